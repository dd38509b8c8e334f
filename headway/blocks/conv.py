"""A short causal convolution over time, one filter per channel, then silu: by hand, and in a compiled kernel.

It stands before the scan in Mamba (arXiv 2312.00752, figure 3) and before the heads in Mamba-2 (2405.21060, figure 6).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from headway.blocks.operators import conv_forward, conv_operator, needs_operator, usable


def causal_conv_by_hand(
    x: Float[Tensor, "b t d"],
    weight: Float[Tensor, "taps d"],
    bias: Float[Tensor, " d"] | None,
    before: Float[Tensor, "b past d"] | None = None,
) -> Float[Tensor, "b t d"]:
    """silu(bias + sum over k of weight[k] · the input `taps - 1 - k` steps ago).

    Args:
        x: Inputs over time.
        weight: weight[-1] acts on the present input, weight[0] on the one `taps - 1` steps ago.
        bias: One number per channel, or None.
        before: The `taps - 1` inputs before the first; zeros if None, as at the start of a text.
    """
    before = _nothing(x, weight) if before is None else before
    full = torch.cat((before, x), 1)
    y = x.new_zeros(x.shape) if bias is None else bias.expand(x.shape)
    for k, tap in enumerate(weight.unbind(0)):
        y = y + tap * full[:, k : k + x.shape[1]]
    return F.silu(y)


def causal_conv(
    x: Float[Tensor, "b t d"],
    weight: Float[Tensor, "taps d"],
    bias: Float[Tensor, " d"] | None,
    before: Float[Tensor, "b past d"] | None = None,
) -> Float[Tensor, "b t d"]:
    """`causal_conv_by_hand` in at least float32; in one pass over memory, forward and backward, where the kernels can be used."""
    before = _nothing(x, weight) if before is None else before
    wide = torch.promote_types(x.dtype, torch.float32)  # as the state that `before` comes from
    parts = (x.to(wide), weight.to(wide), None if bias is None else bias.to(wide), before.to(wide))
    if not usable(*parts):
        return causal_conv_by_hand(*parts).to(x.dtype)
    return (conv_operator if needs_operator(*parts) else conv_forward)(*parts).to(x.dtype)


def _nothing(x: Tensor, weight: Tensor) -> Tensor:
    return x.new_zeros(x.shape[0], weight.shape[0] - 1, x.shape[2])


def last_inputs(
    x: Float[Tensor, "b t d"], before: Float[Tensor, "b past d"], lengths: Int[Tensor, " b"] | None
) -> Float[Tensor, "b past d"]:
    """What `before` has to be in the next call: the newest `past` inputs of `before` and the first `lengths` of `x`.

    Args:
        lengths: How many of the `t` inputs of each row count; the rest is padding. None if all do.
    """
    past = before.shape[1]
    if lengths is None:
        t = x.shape[1]
        return x[:, t - past :].clone() if t >= past else torch.cat((before[:, t:], x), 1)
    full = torch.cat((before, x), 1)
    newest = lengths[:, None] + torch.arange(past, device=x.device)
    return full.gather(1, newest[..., None].expand(-1, -1, x.shape[2]))

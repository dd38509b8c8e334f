"""A padded batch without its padding: the real tokens of all rows one after the other, and attention row by row.

Everything in a Transformer but attention acts on each token by itself, so it can run on the real tokens alone. PyTorch's
"Better Transformer" did this with nested tensors (Better Transformer, PyTorch blog, 2022); fused kernels for it are called
variable-length attention. Here rows of one length go through `attend` together.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from headway.blocks.attention import attend


@dataclass(frozen=True)
class Packing:
    """Where the real tokens of a batch are, in the batch and one after the other.

    Attributes:
        shape: (b, t) of the batch.
        places: For each of the `n` real tokens, its place in the flattened batch, row by row.
        groups: For each length that occurs, where the tokens of its rows lie among the `n`: (rows, length).
    """

    shape: tuple[int, int]
    places: Int[Tensor, " n"]
    groups: tuple[Int[Tensor, "r l"], ...]

    @classmethod
    def of(cls, mask: Bool[Tensor, "b t"]) -> Packing:
        """The packing of a batch whose real tokens are those where `mask` is True, wherever in their rows they lie."""
        lengths = mask.sum(1)
        starts = lengths.cumsum(0) - lengths
        groups = []
        for length in lengths.unique().tolist():
            if length:
                rows = starts[lengths == length]
                groups.append(rows[:, None] + torch.arange(length, device=mask.device))
        return cls((mask.shape[0], mask.shape[1]), mask.flatten().nonzero()[:, 0], tuple(groups))

    def pack(self, x: Shaped[Tensor, "b t *d"]) -> Shaped[Tensor, " n *d"]:
        """The real tokens of `x`, one after the other."""
        return x.flatten(0, 1)[self.places]

    def unpack(self, x: Shaped[Tensor, " n *d"]) -> Shaped[Tensor, "b t *d"]:
        """`x` back in its batch, zeros at the padding."""
        b, t = self.shape
        return x.new_zeros(b * t, *x.shape[1:]).index_copy(0, self.places, x).unflatten(0, (b, t))


def attend_packed(
    q: Float[Tensor, "n h k"],
    k: Float[Tensor, "n h k"],
    v: Float[Tensor, "n h k"],
    packing: Packing,
    *,
    scale: float | None = None,
) -> Float[Tensor, "n h k"]:
    """`attend` within each row of a packed batch: no token of another row is seen, no padding computed."""
    if len(packing.groups) == 1:  # all rows of one length: nothing to pick apart
        rows, length = packing.groups[0].shape
        q, k, v = (x.unflatten(0, (rows, length)).transpose(1, 2) for x in (q, k, v))
        return attend(q, k, v, scale=scale).transpose(1, 2).flatten(0, 1)
    pieces = []
    for places in packing.groups:
        part = attend(*(x[places].transpose(1, 2) for x in (q, k, v)), scale=scale)  # (r, h, l, k)
        pieces.append(part.transpose(1, 2).flatten(0, 1))
    order = torch.cat([places.flatten() for places in packing.groups])
    return torch.empty_like(q).index_copy(0, order, torch.cat(pieces))


@dataclass(frozen=True)
class Speed:
    """What leaving out the padding buys: seconds of one call, the best of several, padded and packed.

    Attributes:
        padding: Share of the batch that is padding.
    """

    padding: float
    padded: float
    packed: float

    @property
    def ratio(self) -> float:
        """How many times as fast the packed call is."""
        return self.padded / self.packed


@torch.inference_mode()
def speed_by_padding(
    model: Any,
    *,
    b: int = 8,
    t: int = 128,
    fractions: Sequence[float] = (0.0, 0.25, 0.5, 0.75),
    rounds: int = 5,
    seed: int = 0,
) -> list[Speed]:
    """Time an encoder that takes `packed` on batches with more and more padding, both ways in turn (A B A B).

    Lengths are drawn evenly around their mean, so that rows differ; one row always has all `t` tokens.
    """
    draw = torch.Generator().manual_seed(seed)
    device = next(model.parameters()).device
    tokens = torch.randint(0, model.config.vocab_size, (b, t), generator=draw).to(device)
    found = []
    for fraction in fractions:
        spread = min(fraction, 1 - fraction)
        shares = 1 - fraction + spread * (2 * torch.rand(b, generator=draw) - 1)
        lengths = (shares * t).round().long().clamp(1, t)
        lengths[0] = t
        mask = (torch.arange(t) < lengths[:, None]).to(device)
        best = {False: math.inf, True: math.inf}
        for _ in range(rounds):
            for packed in best:
                before = time.perf_counter()
                model.hidden(tokens, mask, packed=packed)
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                best[packed] = min(best[packed], time.perf_counter() - before)
        found.append(Speed(1 - float(mask.float().mean()), best[False], best[True]))
    return found

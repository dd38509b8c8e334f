"""Mamba: a decoder without attention, whose state decides per token what to keep and what to forget.

Gu & Dao, *Mamba: Linear-Time Sequence Modeling with Selective State Spaces*, 2023 (arXiv 2312.00752).

    tokens -> embed -> [norm -> mixer -> +] x n_layer -> norm -> head -> logits
    mixer:  x, z = expand(·)   x = silu(conv(x))   dt, B, C = select(x)   scan(x, dt, A, B, C) + D x   · silu(z) -> out

Against Llama: one kind of layer instead of two, the mixer, which is attention and MLP in one; no positions, because a
recurrence knows the order; what is remembered has a fixed size, so that a token costs the same after any number of others.
Against S4D: the step dt, the input B and the output C are functions of the token (selection), so there is no convolution any
more and the recurrence has to be run: see blocks/scan.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import DERIVED, at_least_one, settle
from headway.blocks.cache_state import LayerState, Real, RecurrentCache, sort_padding
from headway.blocks.conv import causal_conv, last_inputs
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear, linear
from headway.blocks.norms import RMSNorm
from headway.blocks.scan import scan
from headway.blocks.tap import Tap

NOTES = {
    "position": "none: a recurrence and a short convolution know the order",
    "norm": "RMSNorm, before each mixer (pre-norm), and one more before the head; the residual stream is kept in float32",
    "mixer": "a selective state space: per channel, n numbers that decay and take in at a pace the token sets; gated by silu",
    "mlp": "none of its own: the mixer widens the stream, gates it and narrows it again",
    "memory": "a state of n numbers per channel and the last few inputs of the convolution: constant in the length",
    "head": "tied to the embedding",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class MambaConfig:
    """The sizes of a Mamba.

    Attributes:
        vocab_size: Rows of the embedding.
        width, n_layer: Residual stream, blocks.
        inner: Channels of a mixer, 2 · width if None.
        state: Numbers of state per channel (n).
        taps: Inputs that the convolution sees, the present one included.
        step_rank: Rank of the map that sets the step dt, width / 16 rounded up if None.
        bias: Whether the mixer's first and last projections have biases.
        conv_bias: Whether the convolution has.
        eps: Added to the mean square in RMSNorm.
        tied: Whether the head is the embedding.
    """

    vocab_size: int
    width: int
    n_layer: int
    inner: int = DERIVED
    state: int = 16
    taps: int = 4
    step_rank: int = DERIVED
    bias: bool = False
    conv_bias: bool = True
    eps: float = 1e-5
    tied: bool = True

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "n_layer", "inner", "state", "taps", "step_rank")
        settle(self, inner=2 * self.width, step_rank=math.ceil(self.width / 16))


class Mamba(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: MambaConfig):
        super().__init__()
        self.config = config
        self.embed = Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = RMSNorm(config.width, config.eps)
        self.head = None if config.tied else Linear(config.width, config.vocab_size, bias=False)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights (section 3.6 and the released code): decay rates 1 to n, steps between 0.001 and 0.1."""
        for name, weight in self.named_parameters():
            if name.endswith(("norm.weight", "mixer.D")):
                nn.init.ones_(weight)
            elif name.endswith("A_log"):  # S4D-Real: A[n] = -(n + 1)
                rates = torch.arange(1, self.config.state + 1, dtype=weight.dtype, device=weight.device)
                weight.data.copy_(rates.log().expand_as(weight))
            elif name.endswith("step.bias"):  # softplus of it is log-uniform between 0.001 and 0.1
                low, high = math.log(0.001), math.log(0.1)
                dt = nn.init.uniform_(weight.data, low, high, generator=generator).exp_()
                dt += torch.log(-torch.expm1(-dt))  # the inverse of softplus
            elif name.endswith("bias"):
                nn.init.zeros_(weight)
            elif name in ("embed.weight", "head.weight"):
                nn.init.normal_(weight, std=0.02, generator=generator)
            else:
                fan_in = self.config.taps if name.endswith("conv_weight") else weight.shape[1]
                bound = fan_in**-0.5
                if name.endswith("out.weight"):
                    bound /= math.sqrt(self.config.n_layer)  # the residual stream is not to grow with depth
                nn.init.uniform_(weight, -bound, bound, generator=generator)

    def forward(
        self,
        tokens: Int[Tensor, "b t"],
        cache: RecurrentCache | None = None,
        *,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t v"]:
        """Logits of the token after each of `tokens`.

        Args:
            tokens: Ids; with a cache, those that come after what the cache has seen.
            cache: From `new_cache`; its states move on.
            mask: True at real tokens, None if all are. Padding, wherever it stands, leaves every state untouched; logits
                at padding mean nothing.
        """
        return self.readout(self.hidden(tokens, cache, mask=mask))

    def hidden(
        self,
        tokens: Int[Tensor, "b t"],
        cache: RecurrentCache | None = None,
        *,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        """The residual stream after the last norm: all of `forward` but the head."""
        tokens, real = sort_padding(tokens, cache, mask)
        x = self.embed(tokens)
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        for block, past in zip(self.blocks, cache or [None] * len(self.blocks), strict=True):
            x = block(x, real, past)
        if cache is not None:
            cache.advance(tokens.shape[1], real.lengths)
        return self.norm(real.restore(x).to(self.norm.weight.dtype))

    def readout(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`."""
        return linear(x, self.embed.weight) if self.head is None else self.head(x)

    def new_cache(self, batch: int, room: int) -> RecurrentCache:
        """An empty cache for `batch` conversations; a state has room for any length, so `room` is not needed."""
        c, weight = self.config, self.embed.weight
        shapes = {"inputs": (c.taps - 1, c.inner), "state": (c.inner, c.state)}
        dtype = torch.promote_types(weight.dtype, torch.float32)  # in bf16 a slow decay would round to none at all
        return RecurrentCache([shapes] * c.n_layer, batch, dtype=dtype, device=weight.device)


class Block(nn.Module):
    """One mixer on a normed copy of the stream, added back to it."""

    def __init__(self, config: MambaConfig):
        super().__init__()
        self.norm = RMSNorm(config.width, config.eps)
        self.mixer = Mixer(config)
        self.after_mixer = Tap()

    def forward(self, x: Tensor, real: Real, past: LayerState | None) -> Tensor:
        return self.after_mixer(x + self.mixer(self.norm(x.to(self.norm.weight.dtype)), real, past))


class Mixer(nn.Module):
    """Figure 3: input projection, short causal convolution, selective state space, gate, output projection."""

    def __init__(self, config: MambaConfig):
        super().__init__()
        d, n = config.inner, config.state
        self.sizes = [config.step_rank, n, n]
        self.expand = Linear(config.width, 2 * d, bias=config.bias)
        self.conv_weight = nn.Parameter(torch.empty(config.taps, d))
        self.conv_bias = nn.Parameter(torch.empty(d)) if config.conv_bias else None
        self.select = Linear(d, config.step_rank + 2 * n, bias=False)
        self.step = Linear(config.step_rank, d)
        self.A_log = nn.Parameter(torch.empty(d, n))  # A = -exp(A_log): whatever is learned, a state decays
        self.D = nn.Parameter(torch.empty(d))
        self.out = Linear(d, config.width, bias=config.bias)
        self.steps = Tap()

    def forward(self, u: Tensor, real: Real, past: LayerState | None) -> Tensor:
        kept = {} if past is None else past.read()
        inputs, z = self.expand(u).chunk(2, dim=-1)
        x = causal_conv(inputs, self.conv_weight, self.conv_bias, kept.get("inputs"))
        low, B, C = self.select(x).split(self.sizes, dim=-1)
        wide = torch.promote_types(x.dtype, torch.float32)
        dt = self.steps(F.softplus(self.step(low).to(wide)))
        if real.mask is not None:
            dt = dt.masked_fill(~real.mask[..., None], 0)  # a step of zero: the state does not move
        A = -torch.exp(self.A_log.to(wide))
        y, state = scan(x, dt, A, B, C, self.D, z, kept.get("state"))
        if past is not None:
            past.write(inputs=last_inputs(inputs, kept["inputs"], real.lengths), state=state)
        return self.out(y)


PRESETS = {  # the released config.json files
    "mamba-130m": MambaConfig(vocab_size=50280, width=768, n_layer=24),
    "mamba-370m": MambaConfig(vocab_size=50280, width=1024, n_layer=48),
    "mamba-790m": MambaConfig(vocab_size=50280, width=1536, n_layer=48),
    "mamba-1.4b": MambaConfig(vocab_size=50280, width=2048, n_layer=48),
    "mamba-2.8b": MambaConfig(vocab_size=50280, width=2560, n_layer=64),
}

"""Mamba-2: a selective state space with heads, whose recurrence can be computed as attention with a decaying mask.

Dao & Gu, *Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured State Space Duality*, 2024
(arXiv 2405.21060).

    tokens -> embed -> [norm -> mixer -> +] x n_layer -> norm -> head -> logits
    mixer:  z, x, B, C, dt = expand(·)   x, B, C = silu(conv(x, B, C))   y = ssd(x, dt, A, B, C) + D x   norm(y · silu(z)) -> out

Against Mamba: a head of channels shares one decay, so that the work becomes matrix products (see blocks/ssd.py); states are
eight times as large for it; B, C and dt come from the block's input, all at once, instead of from the convolved x; groups of
heads share B and C, as grouped queries share keys; one more norm before the last projection.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import at_least_one
from headway.base.errors import HeadwayError
from headway.blocks.cache_state import LayerState, Real, RecurrentCache, sort_padding
from headway.blocks.conv import causal_conv, last_inputs
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear, linear
from headway.blocks.norms import RMSNorm, rms_norm
from headway.blocks.ssd import ssd
from headway.blocks.tap import Tap

NOTES = {
    "position": "none: a recurrence and a short convolution know the order",
    "norm": "RMSNorm, before each mixer (pre-norm), inside it after the gate, and before the head; the stream is in float32",
    "mixer": "a selective state space with heads: one decay per head and token, a matrix of state; gated by silu",
    "mlp": "none of its own: the mixer widens the stream, gates it and narrows it again",
    "memory": "a matrix of state per head and the last few inputs of the convolution: constant in the length",
    "head": "tied to the embedding, or its own matrix",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class Mamba2Config:
    """The sizes of a Mamba-2.

    Attributes:
        vocab_size: Rows of the embedding.
        width, n_layer: Residual stream, blocks.
        n_head, head_width: Heads of a mixer and channels of each; together its width.
        n_group: Groups of heads that share B and C; divides n_head.
        state: Rows of a head's state (n).
        taps: Inputs that the convolution sees, the present one included.
        bias, conv_bias: Whether the mixer's projections, and its convolution, have biases.
        eps: Added to the mean square in RMSNorm.
        step_limits: The step dt is kept between these.
        tied: Whether the head is the embedding.
    """

    vocab_size: int
    width: int
    n_layer: int
    n_head: int
    head_width: int = 64
    n_group: int = 1
    state: int = 128
    taps: int = 4
    bias: bool = False
    conv_bias: bool = True
    eps: float = 1e-5
    step_limits: tuple[float, float] = (0.0, math.inf)
    tied: bool = True

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "n_layer", "n_head", "n_group", "head_width", "state", "taps")
        if self.n_head % self.n_group:
            raise HeadwayError(f"n_group must divide n_head: {self.n_head} is not a multiple of {self.n_group}")
        if not 0 <= self.step_limits[0] <= self.step_limits[1]:
            raise HeadwayError(f"step_limits have to be 0 <= low <= high, not {self.step_limits}")

    @property
    def inner(self) -> int:
        """Width of a mixer."""
        return self.n_head * self.head_width

    @property
    def convolved(self) -> int:
        """Channels that go through the convolution: x, B and C."""
        return self.inner + 2 * self.n_group * self.state


class Mamba2(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: Mamba2Config):
        super().__init__()
        self.config = config
        self.embed = Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = RMSNorm(config.width, config.eps)
        self.head = None if config.tied else Linear(config.width, config.vocab_size, bias=False)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights (the released code): decay rates from 1 to 16, steps between 0.001 and 0.1."""
        for name, weight in self.named_parameters():
            if name.endswith(("norm.weight", "mixer.D")):
                nn.init.ones_(weight)
            elif name.endswith("A_log"):
                nn.init.uniform_(weight.data, 1, 16, generator=generator).log_()
            elif name.endswith("step_bias"):  # softplus of it is log-uniform between 0.001 and 0.1
                dt = nn.init.uniform_(weight.data, math.log(0.001), math.log(0.1), generator=generator).exp_()
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
        shapes = {"inputs": (c.taps - 1, c.convolved), "state": (c.n_head, c.state, c.head_width)}
        dtype = torch.promote_types(weight.dtype, torch.float32)  # in bf16 a slow decay would round to none at all
        return RecurrentCache([shapes] * c.n_layer, batch, dtype=dtype, device=weight.device)


class Block(nn.Module):
    """One mixer on a normed copy of the stream, added back to it."""

    def __init__(self, config: Mamba2Config):
        super().__init__()
        self.norm = RMSNorm(config.width, config.eps)
        self.mixer = Mixer(config)
        self.after_mixer = Tap()

    def forward(self, x: Tensor, real: Real, past: LayerState | None) -> Tensor:
        return self.after_mixer(x + self.mixer(self.norm(x.to(self.norm.weight.dtype)), real, past))


class Mixer(nn.Module):
    """Figure 6: one input projection, short causal convolution, state space, gate, norm, output projection."""

    def __init__(self, config: Mamba2Config):
        super().__init__()
        c = self.config = config
        self.expand = Linear(c.width, c.inner + c.convolved + c.n_head, bias=c.bias)
        self.conv_weight = nn.Parameter(torch.empty(c.taps, c.convolved))
        self.conv_bias = nn.Parameter(torch.empty(c.convolved)) if c.conv_bias else None
        self.step_bias = nn.Parameter(torch.empty(c.n_head))
        self.A_log = nn.Parameter(torch.empty(c.n_head))  # A = -exp(A_log): whatever is learned, a state decays
        self.D = nn.Parameter(torch.empty(c.n_head))
        self.norm = GatedNorm(c.inner, c.n_group, c.eps)
        self.out = Linear(c.inner, c.width, bias=c.bias)
        self.steps = Tap()

    def forward(self, u: Tensor, real: Real, past: LayerState | None) -> Tensor:
        c = self.config
        kept = {} if past is None else past.read()
        z, inputs, dt = self.expand(u).split([c.inner, c.convolved, c.n_head], dim=-1)
        xBC = causal_conv(inputs, self.conv_weight, self.conv_bias, kept.get("inputs"))
        x, B, C = xBC.split([c.inner, c.n_group * c.state, c.n_group * c.state], dim=-1)
        x = x.unflatten(-1, (c.n_head, c.head_width))
        B, C = B.unflatten(-1, (c.n_group, c.state)), C.unflatten(-1, (c.n_group, c.state))
        wide = torch.promote_types(dt.dtype, torch.float32)
        dt = self.steps(F.softplus(dt.to(wide) + self.step_bias.to(wide)).clamp(*c.step_limits))
        if real.mask is not None:
            dt = dt.masked_fill(~real.mask[..., None], 0)  # a step of zero: the state does not move
        A = -torch.exp(self.A_log.to(wide))
        y, state = ssd(x, dt, A, B, C, self.D, kept.get("state"))
        if past is not None:
            past.write(inputs=last_inputs(inputs, kept["inputs"], real.lengths), state=state)
        return self.out(self.norm(y.flatten(-2), z))


class GatedNorm(nn.Module):
    """RMSNorm of y · silu(z), each group of heads by itself (section 7.1)."""

    def __init__(self, width: int, n_group: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.n_group, self.eps = n_group, eps

    def forward(self, y: Tensor, z: Tensor) -> Tensor:
        gated = y * F.silu(z)
        if self.n_group == 1:
            return rms_norm(gated, self.weight, self.eps)
        gated = gated.unflatten(-1, (self.n_group, -1))
        return rms_norm(gated, gated.new_ones(gated.shape[-1]), self.eps).flatten(-2) * self.weight


PRESETS = {  # the released config.json files
    "mamba2-130m": Mamba2Config(vocab_size=50288, width=768, n_layer=24, n_head=24),
    "mamba2-370m": Mamba2Config(vocab_size=50288, width=1024, n_layer=48, n_head=32),
    "mamba2-780m": Mamba2Config(vocab_size=50288, width=1536, n_layer=48, n_head=48),
    "mamba2-1.3b": Mamba2Config(vocab_size=50288, width=2048, n_layer=48, n_head=64),
    "mamba2-2.7b": Mamba2Config(vocab_size=50288, width=2560, n_layer=64, n_head=80),
}

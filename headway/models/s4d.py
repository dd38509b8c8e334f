"""S4D: a decoder of linear state spaces, trained as convolutions and run as recurrences; the road to Mamba.

Gu, Goel & Ré, *Efficiently Modeling Long Sequences with Structured State Spaces*, 2021 (arXiv 2111.00396); the diagonal kind:
Gu, Gupta, Goel & Ré, *On the Parameterization and Initialization of Diagonal State Space Models*, 2022 (2206.11893).

    tokens -> embed -> [norm -> mixer -> +] x n_layer -> norm -> head -> logits
    mixer:  y = diagonal(x, A, C, dt) + D x   gelu(y) -> mix, gate   mix · sigmoid(gate)

Against an RNN: the step from state to state is linear, so all of time can be computed at once, as a convolution; what is not
linear happens between layers. Against attention: every token is treated alike, whatever it is. That is why it cannot choose what
to copy (Mamba, section 3.1), and what Mamba changes: there A, C and dt are the same numbers for every token, here so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import at_least_one
from headway.blocks.cache_state import LayerState, Real, RecurrentCache, sort_padding
from headway.blocks.diagonal import diagonal
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear, linear
from headway.blocks.tap import Tap

NOTES = {
    "position": "none: a recurrence knows the order",
    "norm": "LayerNorm, before each mixer (pre-norm), and one more before the head",
    "mixer": "a linear state space per channel, the same at every token: n complex numbers that decay and turn",
    "mlp": "gelu and a gated linear map (GLU) after the state space, in the mixer",
    "memory": "n complex numbers per channel: constant in the length",
    "head": "tied to the embedding, or its own matrix",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class S4DConfig:
    """The sizes of an S4D.

    Attributes:
        vocab_size: Rows of the embedding.
        width, n_layer: Residual stream, blocks.
        state: Complex numbers of state per channel, each standing for a conjugate pair (N/2 in the paper).
        eps: Added to the variance in LayerNorm.
        tied: Whether the head is the embedding.
    """

    vocab_size: int
    width: int
    n_layer: int
    state: int = 32
    eps: float = 1e-5
    tied: bool = True

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "n_layer", "state")


class S4D(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: S4DConfig):
        super().__init__()
        self.config = config
        self.embed = Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.width, config.eps)
        self.head = None if config.tied else Linear(config.width, config.vocab_size, bias=False)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: A[n] = -1/2 + iπn (S4D-Lin), steps log-uniform between 0.001 and 0.1."""
        for name, weight in self.named_parameters():
            if name.endswith("A_log"):
                nn.init.constant_(weight, math.log(0.5))
            elif name.endswith("A_turn"):
                turn = math.pi * torch.arange(self.config.state, dtype=weight.dtype, device=weight.device)
                weight.data.copy_(turn.expand_as(weight))
            elif name.endswith("step_log"):
                nn.init.uniform_(weight, math.log(0.001), math.log(0.1), generator=generator)
            elif name.endswith(("mixer.C", "mixer.D")):
                nn.init.normal_(weight, generator=generator)
            elif weight.dim() == 1:
                nn.init.constant_(weight, 1.0 if "norm.weight" in name else 0.0)
            else:
                std = 0.02 if name in ("embed.weight", "head.weight") else self.config.width**-0.5
                nn.init.normal_(weight, std=std, generator=generator)

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
        for block, past in zip(self.blocks, cache or [None] * len(self.blocks), strict=True):
            x = block(x, real, past)
        if cache is not None:
            cache.advance(tokens.shape[1], real.lengths)
        return self.norm(real.restore(x))

    def readout(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`."""
        return linear(x, self.embed.weight) if self.head is None else self.head(x)

    def new_cache(self, batch: int, room: int) -> RecurrentCache:
        """An empty cache for `batch` conversations; a state has room for any length, so `room` is not needed."""
        c, weight = self.config, self.embed.weight
        dtype = torch.promote_types(weight.dtype, torch.float32)
        shapes = {"state": (c.width, c.state, 2)}  # real and imaginary part
        return RecurrentCache([shapes] * c.n_layer, batch, dtype=dtype, device=weight.device)


class Block(nn.Module):
    """One mixer on a normed copy of the stream, added back to it."""

    def __init__(self, config: S4DConfig):
        super().__init__()
        self.norm = nn.LayerNorm(config.width, config.eps)
        self.mixer = Mixer(config)
        self.after_mixer = Tap()

    def forward(self, x: Tensor, real: Real, past: LayerState | None) -> Tensor:
        return self.after_mixer(x + self.mixer(self.norm(x), real, past))


class Mixer(nn.Module):
    """A state space per channel over time; then the channels of each token are mixed, through a gate."""

    def __init__(self, config: S4DConfig):
        super().__init__()
        d, n = config.width, config.state
        self.A_log = nn.Parameter(torch.empty(d, n))  # A = -exp(A_log) + i A_turn: whatever is learned, a state decays
        self.A_turn = nn.Parameter(torch.empty(d, n))
        self.C = nn.Parameter(torch.empty(d, n, 2))
        self.D = nn.Parameter(torch.empty(d))
        self.step_log = nn.Parameter(torch.empty(d))
        self.out = Linear(d, 2 * d)

    def forward(self, x: Tensor, real: Real, past: LayerState | None) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)  # the FFT and complex numbers know no half precision
        A = torch.complex(-self.A_log.to(wide).exp(), self.A_turn.to(wide))
        C = torch.view_as_complex(self.C.to(wide))
        kept = None if past is None else torch.view_as_complex(past.read()["state"])
        y, state = diagonal(x.to(wide), A, C, self.step_log.to(wide).exp(), kept, real.lengths)
        if past is not None:
            past.write(state=torch.view_as_real(state))
        return F.glu(self.out(F.gelu(y.to(x.dtype) + self.D * x)), dim=-1)


PRESETS = {  # of our own: bytes in, bytes out, on a laptop
    "s4d-bytes": S4DConfig(vocab_size=256, width=256, n_layer=6),
}

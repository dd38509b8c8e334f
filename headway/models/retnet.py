"""RetNet: a decoder whose attention has a decay instead of a softmax, so that it trains in parallel and runs as a recurrence.

Sun et al., *Retentive Network: A Successor to Transformer for Large Language Models*, 2023 (arXiv 2307.08621); norms and the
gated MLP as in the authors' released code (torchscale 0.3.0), which replaced the paper's LayerNorm and plain MLP.

    tokens -> embed -> [retain_norm -> retention -> + -> mlp_norm -> mlp -> +] x n_layer -> norm -> head -> logits
    retention:  retain(turned q, turned k, v) per head -> norm per head -> · silu(gate) -> out

Against the Transformer: no softmax, so the sum over the past can be kept as a state instead of a cache of keys and values; each
head forgets at a fixed rate of its own; a norm per head and a gate bring back what the softmax gave, a scale and a nonlinearity.
Against Mamba: the rate of forgetting does not depend on the token.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import DERIVED, at_least_one, settle
from headway.base.errors import HeadwayError
from headway.blocks.attention import merge_heads, split_heads
from headway.blocks.cache_state import LayerState, Real, RecurrentCache, sort_padding
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear, linear
from headway.blocks.norms import RMSNorm, rms_norm
from headway.blocks.retention import CHUNK, RetentionState, decays, retain
from headway.blocks.rotary import angles_at, rotate_interleaved
from headway.blocks.tap import Tap

NOTES = {
    "position": "queries and keys turn with their position, in interleaved pairs, and the past decays",
    "norm": "RMSNorm, before each sublayer (pre-norm) and before the head; one more on each head's output, without a gain",
    "mixer": "retention: scores without softmax, a fixed decay per head; gated by silu of another projection; no biases",
    "mlp": "gelu(up) · gate, then down; no biases",
    "memory": "a matrix per head: constant in the length",
    "head": "its own matrix, or tied to the embedding",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class RetNetConfig:
    """The sizes of a RetNet.

    Attributes:
        vocab_size: Rows of the embedding.
        width, n_layer, n_head: Residual stream, blocks, heads; n_head divides width, into even parts.
        value_width: Width of all heads' values together, 2 · width if None; n_head divides it.
        ff_width: Width inside the MLP, 2 · width if None.
        eps: Added to the mean square in RMSNorm, the one per head included.
        chunk: Texts longer than this are computed in chunks of it; any number gives the same result.
        tied: Whether the head is the embedding.
    """

    vocab_size: int
    width: int
    n_layer: int
    n_head: int
    value_width: int = DERIVED
    ff_width: int = DERIVED
    eps: float = 1e-6
    chunk: int = CHUNK
    tied: bool = False

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "n_layer", "n_head", "ff_width", "value_width")
        settle(self, value_width=2 * self.width, ff_width=2 * self.width)
        if self.width % self.n_head or self.width // self.n_head % 2:
            raise HeadwayError(
                f"rotary positions turn pairs of features: width {self.width} must be an even multiple of n_head {self.n_head}"
            )
        if self.value_width % self.n_head:
            raise HeadwayError(f"n_head must divide value_width: {self.value_width} is not a multiple of {self.n_head}")
        if self.chunk < 1:
            raise HeadwayError(f"a chunk has at least one token, not {self.chunk}")


class RetNet(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: RetNetConfig):
        super().__init__()
        self.config = config
        self.embed = Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = RMSNorm(config.width, config.eps)
        self.head = None if config.tied else Linear(config.width, config.vocab_size, bias=False)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights as the released code does: small projections into retention, so that scores start low."""
        for name, weight in self.named_parameters():
            if weight.dim() == 1:
                nn.init.ones_(weight)
            elif name in ("embed.weight", "head.weight"):
                nn.init.normal_(weight, std=self.config.width**-0.5, generator=generator)
            elif ".retention." in name:
                gain = 1.0 if name.endswith("out.weight") else 2**-2.5
                nn.init.xavier_uniform_(weight, gain, generator=generator)
            else:
                bound = weight.shape[1] ** -0.5
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
        position = torch.arange(tokens.shape[1], device=tokens.device)[None]
        cos, sin = self.angles(position if cache is None else cache.seen[:, None] + position, x.dtype)
        for block, past in zip(self.blocks, cache or [None] * len(self.blocks), strict=True):
            x = block(x, cos, sin, real, past)
        if cache is not None:
            cache.advance(tokens.shape[1], real.lengths)
        return self.norm(real.restore(x))

    def readout(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`."""
        return linear(x, self.embed.weight) if self.head is None else self.head(x)

    def angles(self, positions: Int[Tensor, "#b t"], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Rotary cosines and sines in at least float32. The slowest pair turns by exactly 1/10000 a token, where RoPE's
        turns a little faster: exponents from 0 to 1, both included."""
        wide = torch.promote_types(dtype, torch.float32)
        pairs = self.config.width // self.config.n_head // 2
        exponent = torch.linspace(0, 1, pairs, dtype=wide, device=positions.device)
        return angles_at(positions, 10000.0**-exponent)

    def new_cache(self, batch: int, room: int) -> RecurrentCache:
        """An empty cache for `batch` conversations; a state has room for any length, so `room` is not needed."""
        c, weight = self.config, self.embed.weight
        k = c.width // c.n_head
        shapes = {"S": (c.n_head, k, c.value_width // c.n_head), "z": (c.n_head, k)}
        dtype = torch.promote_types(weight.dtype, torch.float32)  # in bf16 the slowest decay would round to none at all
        return RecurrentCache([shapes] * c.n_layer, batch, dtype=dtype, device=weight.device)


class Block(nn.Module):
    """Retention, then the MLP, each on a normed copy of the stream and added back to it (equation 9)."""

    def __init__(self, config: RetNetConfig):
        super().__init__()
        self.retain_norm = RMSNorm(config.width, config.eps)
        self.retention = Retention(config)
        self.mlp_norm = RMSNorm(config.width, config.eps)
        self.mlp = MLP(config)
        self.after_retention, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, real: Real, past: LayerState | None) -> Tensor:
        x = self.after_retention(x + self.retention(self.retain_norm(x), cos, sin, real, past))
        return self.after_mlp(x + self.mlp(self.mlp_norm(x)))


class Retention(nn.Module):
    """Multi-scale retention with a gate (equation 8)."""

    def __init__(self, config: RetNetConfig):
        super().__init__()
        self.config = config
        self.q = Linear(config.width, config.width, bias=False)
        self.k = Linear(config.width, config.width, bias=False)
        self.v = Linear(config.width, config.value_width, bias=False)
        self.gate = Linear(config.width, config.value_width, bias=False)
        self.out = Linear(config.value_width, config.width, bias=False)
        self.retained = Tap()

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, real: Real, past: LayerState | None) -> Tensor:
        c = self.config
        wide = torch.promote_types(x.dtype, torch.float32)  # a decay next to 1 needs its digits, and so does the state
        q, k, v = (split_heads(part(x), c.n_head).to(wide) for part in (self.q, self.k, self.v))
        k = k * (c.width // c.n_head) ** -0.5
        q, k = rotate_interleaved(q, cos, sin), rotate_interleaved(k, cos, sin)
        kept = None if past is None or real.before is None else RetentionState(**past.read(), seen=real.before)
        y, kept = retain(q, k, v, decays(c.n_head, dtype=wide, device=x.device), kept, real.mask, chunk=c.chunk)
        if past is not None:
            past.write(S=kept.S, z=kept.z)
        y = rms_norm(y, y.new_ones(y.shape[-1]), c.eps)  # per head; the scale of a row of scores drops out here
        return self.out(F.silu(self.gate(x)) * merge_heads(self.retained(y)).to(x.dtype))


class MLP(nn.Module):
    """A linear map through gelu, times another, and back (Shazeer, 2020, 2002.05202)."""

    def __init__(self, config: RetNetConfig):
        super().__init__()
        self.up = Linear(config.width, config.ff_width, bias=False)
        self.gate = Linear(config.width, config.ff_width, bias=False)
        self.down = Linear(config.ff_width, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)) * self.gate(x))


PRESETS = {
    # GPT-2's width, depth and vocabulary; then table 2 of the paper, heads of 256, tiktoken's cl100k_base rounded up.
    "retnet-140m": RetNetConfig(vocab_size=50257, width=768, n_layer=12, n_head=3, tied=True),
    "retnet-1.3b": RetNetConfig(vocab_size=100288, width=2048, n_layer=24, n_head=8),
    "retnet-2.7b": RetNetConfig(vocab_size=100288, width=2560, n_layer=32, n_head=10),
    "retnet-6.7b": RetNetConfig(vocab_size=100288, width=4096, n_layer=32, n_head=16),
}

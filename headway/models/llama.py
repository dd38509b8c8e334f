"""Llama 1 to 3: the decoder most open models descend from.

Touvron et al., *LLaMA*, 2023 (arXiv 2302.13971); *Llama 2*, 2023 (2307.09288); *The Llama 3 Herd of Models*, 2024 (2407.21783).

    tokens -> embed -> [attn_norm -> attention -> + -> mlp_norm -> mlp -> +] x n_layer -> norm -> head -> logits

Against GPT-2: positions are rotations of queries and keys inside attention; RMSNorm instead of LayerNorm; a gated MLP (SwiGLU);
no biases; from Llama 2 70B on, groups of query heads share keys and values; in Llama 3.1, slow rotations are slowed further.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import DERIVED, at_least_one, settle
from headway.base.errors import HeadwayError
from headway.blocks.attention import attend, merge_heads
from headway.blocks.cache import KVCache, LayerCache, Span, locate
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear, linear
from headway.blocks.norms import RMSNorm
from headway.blocks.rotary import angles_at, rotary_angles, rotary_frequencies, rotate
from headway.blocks.tap import Tap

NOTES = {
    "position": "rotary: queries and keys turn with their position, values do not; any length can be asked for",
    "norm": "RMSNorm, before each sublayer (pre-norm), and one more before the head",
    "attention": "causal; groups of query heads may share keys and values; no biases",
    "mlp": "SwiGLU: silu(gate) · up, then down; no biases",
    "head": "its own matrix, or tied to the embedding in small models",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class LlamaConfig:
    """The sizes of a Llama.

    Attributes:
        vocab_size: Rows of the embedding.
        width, n_layer, n_head, ff_width: Residual stream, blocks, query heads, width inside the MLP.
        n_group: Key/value heads; divides n_head; n_head if not given.
        head_width: Width of a head; even; width / n_head if not given.
        eps: Added to the mean square in RMSNorm.
        rope_base: Base of the rotary frequencies (10,000 in Llama 1 and 2, 500,000 in Llama 3).
        rope_scaling: Llama 3.1's stretching, or None.
        tied: Whether the head is the embedding.
        context: The length it was trained for; longer texts run, and get worse.
    """

    vocab_size: int
    width: int
    n_layer: int
    n_head: int
    ff_width: int
    n_group: int = DERIVED
    head_width: int = DERIVED
    eps: float = 1e-5
    rope_base: float = 10000.0
    rope_scaling: RopeScaling | None = None
    tied: bool = False
    context: int = 2048

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "n_layer", "n_head", "ff_width", "n_group", "head_width", "context")
        if self.head_width is DERIVED and self.width % self.n_head:
            raise HeadwayError(
                f"width {self.width} is not a multiple of n_head {self.n_head}: change one, or give head_width"
            )
        settle(self, n_group=self.n_head, head_width=self.width // self.n_head)
        if self.n_head % self.n_group:
            raise HeadwayError(f"n_group must divide n_head: {self.n_head} is not a multiple of {self.n_group}")
        if self.head_width % 2:
            raise HeadwayError(f"rotary embedding turns pairs: head_width must be even, not {self.head_width}")


class Llama(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.config = config
        self.embed = Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = RMSNorm(config.width, config.eps)
        self.head = None if config.tied else Linear(config.width, config.vocab_size, bias=False)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: N(0, 0.02), gains 1."""
        for name, weight in self.named_parameters():
            if "norm" in name:
                nn.init.ones_(weight)
            else:
                nn.init.normal_(weight, std=0.02, generator=generator)

    def forward(
        self, tokens: Int[Tensor, "b t"], cache: KVCache | None = None, *, mask: Bool[Tensor, "b t"] | None = None
    ) -> Float[Tensor, "b t v"]:
        """Logits of the token after each of `tokens`.

        Args:
            tokens: Ids; with a cache, those that come after what the cache has seen.
            cache: From `new_cache`; it is extended in place.
            mask: True at real tokens, None if all are. Logits at padding mean nothing.
        """
        return self.readout(self.hidden(tokens, cache, mask=mask))

    def hidden(
        self, tokens: Int[Tensor, "b t"], cache: KVCache | None = None, *, mask: Bool[Tensor, "b t"] | None = None
    ) -> Float[Tensor, "b t d"]:
        """The residual stream after the last norm: all of `forward` but the head."""
        span = locate(tokens, cache, mask)
        x = self.embed(tokens)
        cos, sin = self.angles(span.positions, x.dtype)
        for block, kv in zip(self.blocks, cache or [None] * len(self.blocks), strict=True):
            x = block(x, cos, sin, span, kv)
        if cache is not None:
            cache.advance(span.t)
        return self.norm(x)

    def readout(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`."""
        return linear(x, self.embed.weight) if self.head is None else self.head(x)

    def angles(self, positions: Int[Tensor, "#b t"], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Rotary cosines and sines, worked out in at least float32 and only then rounded to `dtype`."""
        c = self.config
        positions = positions.to(torch.promote_types(dtype, torch.float32))
        cos, sin = rotary_angles(positions, c.head_width, c.rope_base)
        if c.rope_scaling is not None:
            frequencies = rotary_frequencies(c.head_width, c.rope_base, dtype=positions.dtype, device=positions.device)
            cos, sin = angles_at(positions, stretch(frequencies, c.rope_scaling))
        return cos.to(dtype), sin.to(dtype)

    def new_cache(self, batch: int, room: int) -> KVCache:
        """An empty cache for `batch` conversations of up to `room` tokens."""
        c, weight = self.config, self.embed.weight
        windows = [None] * c.n_layer
        return KVCache(windows, batch, c.n_group, c.head_width, room, dtype=weight.dtype, device=weight.device)


class Block(nn.Module):
    """Attention, then the MLP, each on a normed copy of the stream and added back to it."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.attn_norm = RMSNorm(config.width, config.eps)
        self.attn = Attention(config)
        self.mlp_norm = RMSNorm(config.width, config.eps)
        self.mlp = MLP(config)
        self.after_attn, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, span: Span, kv: LayerCache | None) -> Tensor:
        x = self.after_attn(x + self.attn(self.attn_norm(x), cos, sin, span, kv))
        return self.after_mlp(x + self.mlp(self.mlp_norm(x)))


class Attention(nn.Module):
    """Causal grouped-query attention; one fused projection for queries, keys and values."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.n_head, self.n_group, self.head_width = config.n_head, config.n_group, config.head_width
        self.qkv = Linear(config.width, (config.n_head + 2 * config.n_group) * config.head_width, bias=False)
        self.out = Linear(config.n_head * config.head_width, config.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, span: Span, kv: LayerCache | None) -> Tensor:
        b, t, _ = x.shape
        # h query heads, g key heads, g value heads
        heads = self.qkv(x).view(b, t, self.n_head + 2 * self.n_group, self.head_width).transpose(1, 2)
        turned = rotate(heads[:, : -self.n_group], cos, sin)  # queries and keys turn alike: one call for both
        q, k, v = turned[:, : self.n_head], turned[:, self.n_head :], heads[:, -self.n_group :]
        if kv is not None:
            k, v = kv.extend(k, v)
        mask = span.mask(k.shape[2])
        return self.out(merge_heads(attend(q, k, v, mask, causal=mask is None)))


class MLP(nn.Module):
    """SwiGLU (Shazeer, 2020, 2002.05202): a linear map, gated by the silu of another."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.gate = Linear(config.width, config.ff_width, bias=False)
        self.up = Linear(config.width, config.ff_width, bias=False)
        self.down = Linear(config.ff_width, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


@dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """Llama 3.1's stretching of the rotary wavelengths, for contexts longer than it was pre-trained on.

    Attributes:
        factor: What the frequencies of long waves are divided by.
        low, high: A wave that fits fewer than `low` times into `context` is stretched in full, one that fits more than
            `high` times not at all, and those between smoothly.
        context: The context length of pre-training.
    """

    factor: float
    low: float = 1.0
    high: float = 4.0
    context: int = 8192

    def __post_init__(self) -> None:
        if self.factor < 1 or self.low >= self.high:
            raise HeadwayError(f"rope scaling needs factor >= 1 and low < high, not {self}")


def stretch(frequencies: Float[Tensor, " half"], scaling: RopeScaling) -> Float[Tensor, " half"]:
    """Slow the rotations whose wave hardly fits into the pre-training context; leave the fast ones (Llama 3.1)."""
    fits = scaling.context * frequencies / (2 * math.pi)  # how many of its waves the context holds
    keep = ((fits - scaling.low) / (scaling.high - scaling.low)).clamp(0, 1)  # 0: stretch in full, 1: leave
    return keep * frequencies + (1 - keep) * frequencies / scaling.factor


PRESETS = {
    # Table 2 of LLaMA; table 1 of Llama 2; table 3 of Llama 3; SmolLM2's released config.json.
    "llama-7b": LlamaConfig(vocab_size=32000, width=4096, n_layer=32, n_head=32, ff_width=11008, eps=1e-6),
    "llama2-70b": LlamaConfig(
        vocab_size=32000, width=8192, n_layer=80, n_head=64, n_group=8, ff_width=28672, context=4096
    ),
    "llama3.1-8b": LlamaConfig(
        vocab_size=128256,
        width=4096,
        n_layer=32,
        n_head=32,
        n_group=8,
        ff_width=14336,
        rope_base=500000.0,
        rope_scaling=RopeScaling(factor=8.0),
        context=131072,
    ),
    "smollm2-135m": LlamaConfig(
        vocab_size=49152,
        width=576,
        n_layer=30,
        n_head=9,
        n_group=3,
        ff_width=1536,
        rope_base=100000.0,
        tied=True,
        context=8192,
    ),
}

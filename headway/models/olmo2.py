"""OLMo 2: a Llama with RMSNorm on the output of each sublayer instead of its input, and on queries and keys.

OLMo Team, *2 OLMo 2 Furious*, 2025 (arXiv 2501.00656), section 2.1.

    tokens -> embed -> [attention -> attn_out_norm -> + -> mlp -> mlp_out_norm -> +] x n_layer -> norm -> head -> logits

Against Llama: a sublayer reads the stream as it is, and its output is normed before it is added, so that no sublayer can make
the stream jump; queries and keys are normed, all heads together, before they turn, so that scores stay bounded. Against the
Transformer of 2017, whose norms stand behind the sum, the stream itself passes through no norm on its way up.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import DERIVED, at_least_one, settle
from headway.base.errors import HeadwayError
from headway.blocks.attention import attend, merge_heads, split_heads
from headway.blocks.cache import KVCache, LayerCache, Span, locate
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear, linear
from headway.blocks.norms import RMSNorm
from headway.blocks.rotary import rotary_angles, rotate
from headway.blocks.tap import Tap

NOTES = {
    "position": "rotary: queries and keys turn with their position, values do not; any length can be asked for",
    "norm": "RMSNorm, on each sublayer's output before it is added, on queries and on keys, and one more before the head",
    "attention": "causal; q and k normed, all heads together, before turning; grouped keys and values at 32B; no biases",
    "mlp": "SwiGLU: silu(gate) · up, then down; no biases",
    "head": "its own matrix",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class Olmo2Config:
    """The sizes of an OLMo 2.

    Attributes:
        vocab_size: Rows of the embedding.
        width, n_layer, n_head, ff_width: Residual stream, blocks, query heads, width inside the MLP.
        n_group: Key/value heads; divides n_head; n_head if not given.
        head_width: Width of a head; even; width / n_head if not given.
        eps: Added to the mean square in RMSNorm.
        rope_base: Base of the rotary frequencies.
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
    eps: float = 1e-6
    rope_base: float = 500000.0
    tied: bool = False
    context: int = 4096

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


class Olmo2(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: Olmo2Config):
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
        return cos.to(dtype), sin.to(dtype)

    def new_cache(self, batch: int, room: int) -> KVCache:
        """An empty cache for `batch` conversations of up to `room` tokens."""
        c, weight = self.config, self.embed.weight
        windows = [None] * c.n_layer
        return KVCache(windows, batch, c.n_group, c.head_width, room, dtype=weight.dtype, device=weight.device)


class Block(nn.Module):
    """Attention, then the MLP, each on the stream as it is; what comes out is normed and added back."""

    def __init__(self, config: Olmo2Config):
        super().__init__()
        self.attn = Attention(config)
        self.attn_out_norm = RMSNorm(config.width, config.eps)
        self.mlp = MLP(config)
        self.mlp_out_norm = RMSNorm(config.width, config.eps)
        self.after_attn, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, span: Span, kv: LayerCache | None) -> Tensor:
        x = self.after_attn(x + self.attn_out_norm(self.attn(x, cos, sin, span, kv)))
        return self.after_mlp(x + self.mlp_out_norm(self.mlp(x)))


class Attention(nn.Module):
    """Causal grouped-query attention; queries and keys are normed, all heads together, before they turn."""

    def __init__(self, config: Olmo2Config):
        super().__init__()
        self.n_head, self.n_group = config.n_head, config.n_group
        self.qkv = Linear(config.width, (config.n_head + 2 * config.n_group) * config.head_width, bias=False)
        self.out = Linear(config.n_head * config.head_width, config.width, bias=False)
        self.q_norm = RMSNorm(config.n_head * config.head_width, config.eps)
        self.k_norm = RMSNorm(config.n_group * config.head_width, config.eps)
        self.sizes = [n * config.head_width for n in (config.n_head, config.n_group, config.n_group)]

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, span: Span, kv: LayerCache | None) -> Tensor:
        q, k, v = self.qkv(x).split(self.sizes, dim=-1)
        q = rotate(split_heads(self.q_norm(q), self.n_head), cos, sin)
        k = rotate(split_heads(self.k_norm(k), self.n_group), cos, sin)
        v = split_heads(v, self.n_group)
        if kv is not None:
            k, v = kv.extend(k, v)
        mask = span.mask(k.shape[2])
        return self.out(merge_heads(attend(q, k, v, mask, causal=mask is None)))


class MLP(nn.Module):
    """SwiGLU (Shazeer, 2020, 2002.05202): a linear map, gated by the silu of another."""

    def __init__(self, config: Olmo2Config):
        super().__init__()
        self.gate = Linear(config.width, config.ff_width, bias=False)
        self.up = Linear(config.width, config.ff_width, bias=False)
        self.down = Linear(config.ff_width, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


PRESETS = {  # table 1 and section 2 of the paper; widths of the MLP and the smallest from the released config.json files
    "olmo2-1b": Olmo2Config(vocab_size=100352, width=2048, n_layer=16, n_head=16, ff_width=8192),
    "olmo2-7b": Olmo2Config(vocab_size=100352, width=4096, n_layer=32, n_head=32, ff_width=11008),
    "olmo2-13b": Olmo2Config(vocab_size=100352, width=5120, n_layer=40, n_head=40, ff_width=13824),
    "olmo2-32b": Olmo2Config(vocab_size=100352, width=5120, n_layer=64, n_head=40, n_group=8, ff_width=27648),
}

"""Qwen2 and Qwen3: Llamas with biases on queries, keys and values (Qwen2), or RMSNorm on queries and keys (Qwen3).

Yang et al., *Qwen2 Technical Report*, 2024 (arXiv 2407.10671); *Qwen3 Technical Report*, 2025 (2505.09388).

    tokens -> embed -> [attn_norm -> attention -> + -> mlp_norm -> mlp -> +] x n_layer -> norm -> head -> logits

Against Llama: Qwen2 adds a bias to the query, key and value projections; Qwen3 drops it and instead normalises every query
and key head (RMSNorm over the head width) before they turn, which bounds the scores however large the weights grow.
"""

from __future__ import annotations

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
from headway.blocks.rotary import rotary_angles, rotate
from headway.blocks.tap import Tap

NOTES = {
    "position": "rotary: queries and keys turn with their position, values do not; any length can be asked for",
    "norm": "RMSNorm, before each sublayer (pre-norm), and one more before the head; Qwen3: on each query and key head too",
    "attention": "causal; grouped keys and values; Qwen2: biases on q, k, v; Qwen3: none, q and k normalised before turning",
    "mlp": "SwiGLU: silu(gate) · up, then down; no biases",
    "head": "its own matrix, or tied to the embedding in small models",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class QwenConfig:
    """The sizes of a Qwen.

    Attributes:
        vocab_size: Rows of the embedding.
        width, n_layer, n_head, ff_width: Residual stream, blocks, query heads, width inside the MLP.
        n_group: Key/value heads; divides n_head; n_head if not given.
        head_width: Width of a head; even; width / n_head if not given.
        qkv_bias: Whether queries, keys and values have a bias (Qwen2).
        qk_norm: Whether every query and key head is normalised (Qwen3).
        window: How many positions a query sees in the windowed layers, None for all.
        full_layers: The first layers that look all the way back even with a window.
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
    qkv_bias: bool = False
    qk_norm: bool = False
    window: int | None = None
    full_layers: int = 0
    eps: float = 1e-6
    rope_base: float = 1000000.0
    tied: bool = False
    context: int = 32768

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
        if self.window is not None and self.window < 1:
            raise HeadwayError(f"a window holds at least the query itself: window must be 1 or more, not {self.window}")

    @property
    def windows(self) -> list[int | None]:
        """How far back each layer looks."""
        return [None if n < self.full_layers else self.window for n in range(self.n_layer)]


class Qwen(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: QwenConfig):
        super().__init__()
        self.config = config
        self.embed = Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config, window) for window in config.windows)
        self.norm = RMSNorm(config.width, config.eps)
        self.head = None if config.tied else Linear(config.width, config.vocab_size, bias=False)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: N(0, 0.02), gains 1, biases 0."""
        for name, weight in self.named_parameters():
            if "norm" in name:
                nn.init.ones_(weight)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)
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
        return KVCache(c.windows, batch, c.n_group, c.head_width, room, dtype=weight.dtype, device=weight.device)


class Block(nn.Module):
    """Attention, then the MLP, each on a normed copy of the stream and added back to it."""

    def __init__(self, config: QwenConfig, window: int | None):
        super().__init__()
        self.attn_norm = RMSNorm(config.width, config.eps)
        self.attn = Attention(config, window)
        self.mlp_norm = RMSNorm(config.width, config.eps)
        self.mlp = MLP(config)
        self.after_attn, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, span: Span, kv: LayerCache | None) -> Tensor:
        x = self.after_attn(x + self.attn(self.attn_norm(x), cos, sin, span, kv))
        return self.after_mlp(x + self.mlp(self.mlp_norm(x)))


class Attention(nn.Module):
    """Causal grouped-query attention; queries and keys get a bias (Qwen2) or a norm (Qwen3) before they turn."""

    def __init__(self, config: QwenConfig, window: int | None):
        super().__init__()
        self.n_head, self.n_group, self.head_width = config.n_head, config.n_group, config.head_width
        self.window = window
        self.qkv = Linear(config.width, (config.n_head + 2 * config.n_group) * config.head_width, bias=config.qkv_bias)
        self.out = Linear(config.n_head * config.head_width, config.width, bias=False)
        self.q_norm = RMSNorm(config.head_width, config.eps) if config.qk_norm else nn.Identity()
        self.k_norm = RMSNorm(config.head_width, config.eps) if config.qk_norm else nn.Identity()

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, span: Span, kv: LayerCache | None) -> Tensor:
        b, t, _ = x.shape
        # h query heads, g key heads, g value heads
        heads = self.qkv(x).view(b, t, self.n_head + 2 * self.n_group, self.head_width).transpose(1, 2)
        q, k, v = heads.split([self.n_head, self.n_group, self.n_group], dim=1)
        q, k = rotate(self.q_norm(q), cos, sin), rotate(self.k_norm(k), cos, sin)
        if kv is not None:
            k, v = kv.extend(k, v)
        mask = span.mask(k.shape[2], self.window)
        return self.out(merge_heads(attend(q, k, v, mask, causal=mask is None)))


class MLP(nn.Module):
    """SwiGLU (Shazeer, 2020, 2002.05202): a linear map, gated by the silu of another."""

    def __init__(self, config: QwenConfig):
        super().__init__()
        self.gate = Linear(config.width, config.ff_width, bias=False)
        self.up = Linear(config.width, config.ff_width, bias=False)
        self.down = Linear(config.ff_width, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


PRESETS = {  # the released config.json files
    "qwen2-0.5b": QwenConfig(
        vocab_size=151936,
        width=896,
        n_layer=24,
        n_head=14,
        n_group=2,
        head_width=64,
        ff_width=4864,
        qkv_bias=True,
        qk_norm=False,
        tied=True,
        context=131072,
    ),
    "qwen3-0.6b": QwenConfig(
        vocab_size=151936,
        width=1024,
        n_layer=28,
        n_head=16,
        n_group=8,
        head_width=128,
        ff_width=3072,
        qkv_bias=False,
        qk_norm=True,
        tied=True,
        context=40960,
    ),
}

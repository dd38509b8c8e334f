"""GPT-2: a decoder with layer norm moved to the front of each block.

Radford et al., *Language Models are Unsupervised Multitask Learners*, 2019 (a report, no arXiv number).

    tokens -> embed + position -> [attn_norm -> attention -> + -> mlp_norm -> mlp -> +] x n_layer -> norm -> head -> logits

Against the 2017 decoder: no encoder to look at, learned positions, pre-norm with one more norm before the head, GELU, and
the output projections of a block start smaller by 1/sqrt(2 n_layer), so that the residual stream does not grow with depth.
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
from headway.blocks.attention import attend, merge_heads, split_heads
from headway.blocks.cache import KVCache, LayerCache, Span, locate
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear, linear
from headway.blocks.tap import Tap

NOTES = {
    "position": "a learned vector per position, added once to the embedding; nothing beyond the context length",
    "norm": "LayerNorm, before each sublayer (pre-norm), and one more before the head",
    "attention": "causal; every head has keys and values of its own; biases everywhere",
    "mlp": "GELU (its tanh approximation) between two linear maps, four times the width inside",
    "head": "tied to the embedding",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class GPT2Config:
    """The sizes of a GPT-2.

    Attributes:
        vocab_size: Rows of the embedding.
        context: The most positions, each with a learned vector.
        width, n_layer, n_head: Residual stream, blocks, heads; n_head divides width.
        ff_width: Width inside the feed-forward layer, 4 · width if None.
        eps: Added to the variance in LayerNorm.
        dropout: Probability on embeddings, attention output and MLP output, in training only.
    """

    vocab_size: int
    context: int
    width: int
    n_layer: int
    n_head: int
    ff_width: int = DERIVED
    eps: float = 1e-5
    dropout: float = 0.0

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "n_layer", "n_head", "ff_width", "context")
        settle(self, ff_width=4 * self.width)
        if self.width % self.n_head:
            raise HeadwayError(f"n_head must divide width: {self.width} is not a multiple of {self.n_head}")
        if not 0 <= self.dropout < 1:
            raise HeadwayError(f"dropout is a probability below 1, not {self.dropout}")


class GPT2(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: GPT2Config):
        super().__init__()
        self.config = config
        self.embed = Embedding(config.vocab_size, config.width)
        self.position = nn.Embedding(config.context, config.width)
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.width, config.eps)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights (section 2.3): N(0, 0.02), the blocks' output projections by 1/sqrt(2 n_layer) less."""
        for name, weight in self.named_parameters():
            if weight.dim() == 1:
                nn.init.constant_(weight, 1.0 if "norm.weight" in name else 0.0)
            else:
                closing = name.endswith(("attn.out.weight", "mlp.down.weight"))
                std = 0.02 / math.sqrt(2 * self.config.n_layer) if closing else 0.02
                nn.init.normal_(weight, std=std, generator=generator)

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
        if span.past + span.t > self.config.context:
            raise HeadwayError(
                f"this model has {self.config.context} positions and the text needs {span.past + span.t}: shorten it"
            )
        x = self.drop(self.embed(tokens) + self.position(span.positions))
        for block, kv in zip(self.blocks, cache or [None] * len(self.blocks), strict=True):
            x = block(x, span, kv)
        if cache is not None:
            cache.advance(span.t)
        return self.norm(x)

    def readout(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`: the embedding is used a second time, as the head."""
        return linear(x, self.embed.weight)

    def new_cache(self, batch: int, room: int) -> KVCache:
        """An empty cache for `batch` conversations of up to `room` tokens."""
        c, weight = self.config, self.embed.weight
        return KVCache(
            [None] * c.n_layer, batch, c.n_head, c.width // c.n_head, room, dtype=weight.dtype, device=weight.device
        )


class Block(nn.Module):
    """Attention, then the MLP, each on a normed copy of the stream and added back to it."""

    def __init__(self, config: GPT2Config):
        super().__init__()
        self.attn_norm = nn.LayerNorm(config.width, config.eps)
        self.attn = Attention(config)
        self.mlp_norm = nn.LayerNorm(config.width, config.eps)
        self.mlp = MLP(config)
        self.after_attn, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor, span: Span, kv: LayerCache | None) -> Tensor:
        x = self.after_attn(x + self.attn(self.attn_norm(x), span, kv))
        return self.after_mlp(x + self.mlp(self.mlp_norm(x)))


class Attention(nn.Module):
    """Causal multi-head attention with one fused projection for queries, keys and values."""

    def __init__(self, config: GPT2Config):
        super().__init__()
        self.n_head = config.n_head
        self.qkv = Linear(config.width, 3 * config.width)
        self.out = Linear(config.width, config.width)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, span: Span, kv: LayerCache | None) -> Tensor:
        q, k, v = (split_heads(part, self.n_head) for part in self.qkv(x).chunk(3, dim=-1))
        if kv is not None:
            k, v = kv.extend(k, v)
        mask = span.mask(k.shape[2])
        return self.drop(self.out(merge_heads(attend(q, k, v, mask, causal=mask is None))))


class MLP(nn.Module):
    """Two linear maps with the tanh form of GELU between them, the form the released weights were trained with."""

    def __init__(self, config: GPT2Config):
        super().__init__()
        self.up = Linear(config.width, config.ff_width)
        self.down = Linear(config.ff_width, config.width)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.down(F.gelu(self.up(x), approximate="tanh")))


PRESETS = {  # table 2 of the report; widths and heads from OpenAI's released hyperparameters
    "gpt2": GPT2Config(vocab_size=50257, context=1024, width=768, n_layer=12, n_head=12),
    "gpt2-medium": GPT2Config(vocab_size=50257, context=1024, width=1024, n_layer=24, n_head=16),
    "gpt2-large": GPT2Config(vocab_size=50257, context=1024, width=1280, n_layer=36, n_head=20),
    "gpt2-xl": GPT2Config(vocab_size=50257, context=1024, width=1600, n_layer=48, n_head=25),
}

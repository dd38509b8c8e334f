"""T5: every task as text to text, on an encoder-decoder whose positions are biases of the attention scores.

Raffel et al., *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer*, 2019 (arXiv 1910.10683),
section 2.1; version 1.1 with gated GELU (Shazeer, *GLU Variants*, 2020, 2002.05202) and a head of its own.

    source -> embed -> [norm -> attention -> + -> norm -> mlp -> +] x n_layer -> norm -> states
    tokens -> embed -> [norm -> causal attention -> + -> norm -> attention to states -> + -> norm -> mlp -> +] x n -> norm -> head

Against the Transformer of 2017: RMSNorm, before each sublayer; no biases; scores are not scaled (the initial weights are,
instead); nor is the embedding; and a token does not know where it stands: each head adds to a score a learned number for the
distance between query and key, in buckets that grow with it. All layers of a stack share those numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import DERIVED, at_least_one, settle
from headway.base.errors import HeadwayError
from headway.blocks.attention import merge_heads, split_heads
from headway.blocks.cache import LayerCache, locate
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear, linear
from headway.blocks.masks import causal_mask, key_mask
from headway.blocks.memory import CrossCache, Memory, Pair, memory_of
from headway.blocks.norms import RMSNorm
from headway.blocks.tap import Tap

NOTES = {
    "position": "a learned number per head and bucket of distance, added to the scores; any length can be asked for",
    "norm": "RMSNorm, before each sublayer (pre-norm), and one more at the end of each stack",
    "attention": "scores are not scaled; no biases; the decoder also attends to the encoder's states",
    "mlp": "ReLU between two linear maps; in version 1.1 gated GELU; no biases",
    "head": "tied to the embedding and scaled by 1/√d; in version 1.1 its own matrix",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "silu": F.silu,
}


@dataclass(frozen=True, kw_only=True)
class T5Config:
    """The sizes of a T5.

    Attributes:
        vocab_size: Rows of the embedding.
        width, n_layer, n_head, ff_width: Residual stream, encoder blocks, heads, width inside the MLP.
        head_width: Width of a head; n_head · head_width need not be the width.
        n_decoder_layer: Decoder blocks, n_layer if None.
        n_bucket, max_distance: Buckets of distances, and the distance from which on all share the last.
        activation, gated: "relu" in T5, gated "gelu_new" in version 1.1; a few have "silu".
        tied: Whether the head is the embedding (T5) or its own matrix (version 1.1).
        scaled: Whether what goes into the head is divided by √width first; as `tied` if None.
        eps, dropout: Added to the mean square in RMSNorm; probability on sublayers and embeddings, in training only.
    """

    vocab_size: int
    width: int
    n_layer: int
    n_head: int
    ff_width: int
    head_width: int = 64
    n_decoder_layer: int = DERIVED
    n_bucket: int = 32
    max_distance: int = 128
    activation: Literal["relu", "gelu_new", "silu"] = "relu"
    gated: bool = False
    tied: bool = True
    scaled: bool = DERIVED
    eps: float = 1e-6
    dropout: float = 0.0

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "n_layer", "n_head", "ff_width", "head_width", "n_decoder_layer")
        settle(self, n_decoder_layer=self.n_layer, scaled=self.tied)
        if self.activation not in ACTIVATIONS:
            raise HeadwayError(f"activation is one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")
        if self.n_bucket < 4 or self.n_bucket % 2 or self.max_distance <= self.n_bucket // 2:
            given = f"{self.n_bucket} and {self.max_distance}"
            raise HeadwayError(f"n_bucket is even and at least 4, and max_distance more than half of it: not {given}")


def buckets(distance: Int[Tensor, "*b"], n_bucket: int, max_distance: int, *, both_ways: bool) -> Int[Tensor, "*b"]:
    """The bucket of a distance, key position - query position: small ones have one each, larger ones share (section 2.1).

    Args:
        n_bucket: Buckets in all. Both ways, the first half is for the past (and 0), the second for the future.
        max_distance: From here on all distances share a side's last bucket; from half the buckets up to it their sizes
            grow as the logarithm of the distance.
        both_ways: False in the decoder, where the future is not seen and has bucket 0 with the present.
    """
    base = torch.zeros_like(distance)
    if both_ways:
        n_bucket //= 2
        base = (distance > 0).long() * n_bucket
        distance = distance.abs()
    else:
        distance = (-distance).clamp(min=0)
    exact = n_bucket // 2
    # In float32, as the models were trained: in float64 a few distances would fall on the other side of a bucket's edge.
    far = torch.log(distance.clamp(min=1).float() / exact) / math.log(max_distance / exact) * (n_bucket - exact)
    return base + torch.where(distance < exact, distance, (exact + far.long()).clamp(max=n_bucket - 1))


class T5(nn.Module):
    """Text to text: source ids and the target's ids so far in, the logits of each next target id out."""

    def __init__(self, config: T5Config):
        super().__init__()
        c = self.config = config
        self.embed = Embedding(c.vocab_size, c.width)
        self.encoder_bias = nn.Embedding(c.n_bucket, c.n_head)
        self.decoder_bias = nn.Embedding(c.n_bucket, c.n_head)
        self.drop = nn.Dropout(c.dropout)
        self.encoder = nn.ModuleList(EncoderBlock(c) for _ in range(c.n_layer))
        self.decoder = nn.ModuleList(DecoderBlock(c) for _ in range(c.n_decoder_layer))
        self.encoder_norm, self.decoder_norm = RMSNorm(c.width, c.eps), RMSNorm(c.width, c.eps)
        self.head = None if c.tied else Linear(c.width, c.vocab_size, bias=False)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: embeddings N(0, 1), matrices by 1/sqrt(inputs), queries smaller by 1/sqrt(head_width)."""
        c = self.config
        special = {"embed": 1.0, "head": 1.0, "encoder_bias": c.width**-0.5, "decoder_bias": c.width**-0.5}
        special["q"] = (c.width * c.head_width) ** -0.5  # this is where the scores' 1/sqrt(k) went
        for name, weight in self.named_parameters():
            if weight.dim() == 1:
                nn.init.ones_(weight)
            else:
                std = special.get(name.split(".")[-2], weight.shape[1] ** -0.5)
                nn.init.normal_(weight, std=std, generator=generator)

    def forward(
        self,
        source: Int[Tensor, "b s"] | None,
        tokens: Int[Tensor, "b t"],
        cache: CrossCache | None = None,
        *,
        source_mask: Bool[Tensor, "b s"] | None = None,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t v"]:
        """Logits of the token after each of `tokens`, in an answer to `source`.

        Args:
            source: Ids; with a cache that has seen it, the same or None.
            tokens: Ids of the target, from its start symbol (0) on; with a cache, those that come after what it has seen.
            cache: From `new_cache`; it is extended in place.
            source_mask, mask: True at real tokens, None if all are. Logits at padding mean nothing.
        """
        return self.readout(self.hidden(source, tokens, cache, source_mask=source_mask, mask=mask))

    def encode(
        self, source: Int[Tensor, "b s"], source_mask: Bool[Tensor, "b s"] | None = None
    ) -> Float[Tensor, "b s d"]:
        """The encoder's states of `source`."""
        s = source.shape[1]
        bias = self.bias(self.encoder_bias, 0, s, s, key_mask(source_mask, *source.shape, called="source_mask"))
        x = self.drop(self.embed(source))
        for block in self.encoder:
            x = block(x, bias)
        return self.drop(self.encoder_norm(x))

    def look(self, source: Int[Tensor, "b s"], source_mask: Bool[Tensor, "b s"] | None = None) -> Memory:
        """Keys and values of the source's states for each decoder block: made once in a conversation."""
        states = self.encode(source, source_mask)
        pairs = [cast(DecoderBlock, block).cross.look_at(states) for block in self.decoder]
        return Memory(pairs, key_mask(source_mask, *source.shape, called="source_mask"))

    def hidden(
        self,
        source: Int[Tensor, "b s"] | None,
        tokens: Int[Tensor, "b t"],
        cache: CrossCache | None = None,
        *,
        source_mask: Bool[Tensor, "b s"] | None = None,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        """The decoder's residual stream after the last norm: all of `forward` but the head."""
        memory = memory_of(source, source_mask, cache, self.look)
        span = locate(tokens, cache, mask)
        s, seen = span.past + span.t, span.mask(span.past + span.t)
        seen = causal_mask(span.t, s, device=tokens.device)[None, None] if seen is None else seen
        bias = self.bias(self.decoder_bias, span.past, span.t, s, seen)
        x = self.drop(self.embed(tokens))
        for block, kv, source_kv in zip(self.decoder, cache or [None] * len(self.decoder), memory.pairs, strict=True):
            x = block(x, bias, kv, source_kv, memory.mask)
        if cache is not None:
            cache.advance(span.t)
        return self.drop(self.decoder_norm(x))

    def readout(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`."""
        x = x * self.config.width**-0.5 if self.config.scaled else x
        return linear(x, self.embed.weight) if self.head is None else self.head(x)

    def bias(
        self, table: nn.Embedding, past: int, t: int, s: int, seen: Bool[Tensor, "#b 1 #t s"] | None
    ) -> Float[Tensor, "#b h t s"]:
        """What is added to the scores of `t` queries, the first at column `past`: -∞ where they may not look.

        Distances are counted in columns: padding stands outside of a text, and so changes none.
        """
        c, column = self.config, torch.arange(s, device=table.weight.device)
        distance = column[None] - (past + column[:t, None])
        bias = table(buckets(distance, c.n_bucket, c.max_distance, both_ways=table is self.encoder_bias))
        bias = bias.permute(2, 0, 1)[None]
        return bias if seen is None else bias.masked_fill(~seen, -torch.inf)

    def new_cache(self, batch: int, room: int) -> CrossCache:
        """An empty cache for `batch` answers of up to `room` tokens."""
        c, like = self.config, {"dtype": self.embed.weight.dtype, "device": self.embed.weight.device}
        return CrossCache([None] * c.n_decoder_layer, batch, c.n_head, c.head_width, room, **like)


class EncoderBlock(nn.Module):
    """Attention to the whole source, then the MLP, each on a normed copy of the stream and added back to it."""

    def __init__(self, config: T5Config):
        super().__init__()
        self.attn_norm, self.attn = RMSNorm(config.width, config.eps), Attention(config)
        self.mlp_norm, self.mlp = RMSNorm(config.width, config.eps), MLP(config)
        self.drop = nn.Dropout(config.dropout)
        self.after_attn, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        normed = self.attn_norm(x)
        x = self.after_attn(x + self.drop(self.attn(normed, *self.attn.look_at(normed), bias)))
        return self.after_mlp(x + self.drop(self.mlp(self.mlp_norm(x))))


class DecoderBlock(nn.Module):
    """Causal attention to the target so far, attention to the source, then the MLP."""

    def __init__(self, config: T5Config):
        super().__init__()
        self.attn_norm, self.attn = RMSNorm(config.width, config.eps), Attention(config)
        self.cross_norm, self.cross = RMSNorm(config.width, config.eps), Attention(config)
        self.mlp_norm, self.mlp = RMSNorm(config.width, config.eps), MLP(config)
        self.drop = nn.Dropout(config.dropout)
        self.after_attn, self.after_cross, self.after_mlp = Tap(), Tap(), Tap()

    def forward(self, x: Tensor, bias: Tensor, kv: LayerCache | None, source_kv: Pair, seen: Tensor | None) -> Tensor:
        normed = self.attn_norm(x)
        k, v = self.attn.look_at(normed)
        if kv is not None:
            k, v = kv.extend(k, v)
        x = self.after_attn(x + self.drop(self.attn(normed, k, v, bias)))
        x = self.after_cross(x + self.drop(self.cross(self.cross_norm(x), *source_kv, seen)))
        return self.after_mlp(x + self.drop(self.mlp(self.mlp_norm(x))))


class Attention(nn.Module):
    """Multi-head attention with a bias on its scores, which are not scaled."""

    def __init__(self, config: T5Config):
        super().__init__()
        self.n_head, inner = config.n_head, config.n_head * config.head_width
        self.q = Linear(config.width, inner, bias=False)
        self.kv = Linear(config.width, 2 * inner, bias=False)
        self.out = Linear(inner, config.width, bias=False)

    def look_at(self, states: Float[Tensor, "b s d"]) -> tuple[Tensor, Tensor]:
        """Keys and values of what is looked at."""
        k, v = self.kv(states).chunk(2, dim=-1)
        return split_heads(k, self.n_head), split_heads(v, self.n_head)

    def forward(self, x: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        return self.out(merge_heads(attend_biased(split_heads(self.q(x), self.n_head), k, v, bias)))


class MLP(nn.Module):
    """Two linear maps with a nonlinearity between them; gated, a third one multiplies what it lets through."""

    def __init__(self, config: T5Config):
        super().__init__()
        self.gate = Linear(config.width, config.ff_width, bias=False) if config.gated else None
        self.up = Linear(config.width, config.ff_width, bias=False)
        self.down = Linear(config.ff_width, config.width, bias=False)
        self.activation = ACTIVATIONS[config.activation]
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.activation(self.up(x)) if self.gate is None else self.activation(self.gate(x)) * self.up(x)
        return self.down(self.drop(inner))


def attend_biased(
    q: Float[Tensor, "b h t k"],
    k: Float[Tensor, "b h s k"],
    v: Float[Tensor, "b h s w"],
    bias: Float[Tensor, "#b #h #t s"] | Bool[Tensor, "#b #h #t s"] | None,
) -> Float[Tensor, "b h t w"]:
    """Attention whose scores are not scaled, and to which `bias` is added; a boolean one is a mask, as in `attend`."""
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=1.0)


V11: dict[str, Any] = {"activation": "gelu_new", "gated": True, "tied": False}
PRESETS = {  # section 3.7 of the paper (Small); the vocabulary and version 1.1 as the released config.json files have them
    "t5-small": T5Config(vocab_size=32128, width=512, n_layer=6, n_head=8, ff_width=2048),
    "t5-v1.1-small": T5Config(vocab_size=32128, width=512, n_layer=8, n_head=6, ff_width=1024, **V11),
}

"""The Transformer of 2017: an encoder that looks both ways, a decoder that looks back and at the encoder.

Vaswani et al., *Attention Is All You Need*, 2017 (arXiv 1706.03762).

    source -> embed · √d + position -> [attention -> mlp] x n_layer -> states
    tokens -> embed · √d + position -> [causal attention -> attention to states -> mlp] x n_decoder_layer -> embedᵀ -> logits

Around each attention and each MLP stands a residual sum. Where its LayerNorm goes is the choice `norm`: after the sum (2017),
before the sublayer (Xiong et al., 2020, 2002.04745), after a weighted sum (DeepNorm, Wang et al., 2022, 2203.00555), or nowhere,
with a gate instead (ReZero, Bachlechner et al., 2020, 2003.04887).

Against the GRU with attention: no recurrence, so all positions of the target are computed at once in training, and any two
are one step apart; order is not in the wiring any more and has to be added to the embedding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import DERIVED, at_least_one, settle
from headway.base.errors import HeadwayError
from headway.blocks.attention import attend, merge_heads, split_heads
from headway.blocks.cache import LayerCache, Span, locate
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear, linear
from headway.blocks.masks import key_mask, real_positions
from headway.blocks.memory import CrossCache, Memory, Pair, memory_of
from headway.blocks.positions import sinusoids, sinusoids_in_halves
from headway.blocks.tap import Tap

NOTES = {
    "position": "sinusoids, added once to the embedding; any length can be asked for",
    "norm": "LayerNorm, after each residual sum (post-norm); before the sublayer, weighted, or none as a choice",
    "attention": "every head has keys and values of its own; biases everywhere; the decoder also attends to the encoder's states",
    "mlp": "ReLU between two linear maps, four times the width inside",
    "head": "tied to the embedding, which source and target share; the embedding is scaled by √d where it is read",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu, "silu": F.silu}


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """The sizes of an encoder-decoder.

    Attributes:
        vocab_size: Rows of the source's embedding.
        target_vocab_size: Rows of the target's own embedding, which is the head too. None: source and target share one.
        width, n_layer, n_head, ff_width: Residual stream, encoder blocks, heads, width inside the MLP (4 · width if None).
        n_decoder_layer: Decoder blocks, n_layer if None.
        norm: "post", "pre", "deepnorm" or "rezero".
        activation: "relu"; Marian's checkpoints have "silu" or "gelu".
        scaled: Whether the embedding is multiplied by √width where it is read.
        interleaved: Sines and cosines by turns, as the paper writes them; or in halves, as its code and Marian have them.
        head_bias: Whether the logits have a bias (Marian).
        eps, dropout: Added to the variance in LayerNorm; probability on sublayers' outputs and embeddings, in training only.
        context: The length it was trained for; longer texts run, and get worse.
    """

    vocab_size: int
    width: int
    n_layer: int
    n_head: int
    target_vocab_size: int | None = None
    ff_width: int = DERIVED
    n_decoder_layer: int = DERIVED
    norm: Literal["post", "pre", "deepnorm", "rezero"] = "post"
    activation: Literal["relu", "gelu", "silu"] = "relu"
    scaled: bool = True
    interleaved: bool = True
    head_bias: bool = False
    eps: float = 1e-5
    dropout: float = 0.0
    context: int = 512

    def __post_init__(self) -> None:
        at_least_one(
            self,
            "vocab_size",
            "width",
            "n_layer",
            "n_head",
            "ff_width",
            "context",
            "n_decoder_layer",
            "target_vocab_size",
        )
        settle(self, ff_width=4 * self.width, n_decoder_layer=self.n_layer)
        if self.width % self.n_head:
            raise HeadwayError(f"n_head must divide width: {self.width} is not a multiple of {self.n_head}")
        for field, known in (("norm", ("post", "pre", "deepnorm", "rezero")), ("activation", tuple(ACTIVATIONS))):
            if getattr(self, field) not in known:
                raise HeadwayError(f"{field} is one of {', '.join(known)}, not {getattr(self, field)!r}")
        if not 0 <= self.dropout < 1:
            raise HeadwayError(f"dropout is a probability below 1, not {self.dropout}")


def deepnorm(n: int, m: int) -> dict[str, tuple[float, float]]:
    """α, the weight of the residual, and β, the gain of the initial weights, for n and m blocks (DeepNet, figure 2)."""
    n4m = n**4 * m
    return {
        "encoder": (0.81 * n4m ** (1 / 16), 0.87 * n4m ** (-1 / 16)),
        "decoder": ((3 * m) ** 0.25, (12 * m) ** -0.25),
    }


class Transformer(nn.Module):
    """A translator: source ids and the target's ids so far in, the logits of each next target id out."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        c = self.config = config
        self.embed = Embedding(c.vocab_size, c.width)
        self.target_embed = Embedding(c.target_vocab_size, c.width) if c.target_vocab_size is not None else None
        self.drop = nn.Dropout(c.dropout)
        weight = {side: alpha for side, (alpha, _) in deepnorm(c.n_layer, c.n_decoder_layer).items()}
        self.encoder = nn.ModuleList(EncoderBlock(c, weight["encoder"]) for _ in range(c.n_layer))
        self.decoder = nn.ModuleList(DecoderBlock(c, weight["decoder"]) for _ in range(c.n_decoder_layer))
        # Pre-norm leaves the stream itself unnormed, so that each stack closes with a norm of its own.
        self.encoder_norm = nn.LayerNorm(c.width, c.eps) if c.norm == "pre" else None
        self.decoder_norm = nn.LayerNorm(c.width, c.eps) if c.norm == "pre" else None
        self.head_bias = nn.Parameter(torch.zeros(c.target_vocab_size or c.vocab_size)) if c.head_bias else None
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: embeddings N(0, 1/width), matrices Xavier (with DeepNorm's gains), gates and biases 0."""
        c = self.config
        for name, weight in self.named_parameters():
            kind = name.split(".")[-2] if "." in name else name
            if "embed" in kind:
                nn.init.normal_(weight, std=c.width**-0.5, generator=generator)
            elif weight.dim() < 2:
                nn.init.constant_(weight, 1.0 if name.endswith("norm.weight") else 0.0)
            else:
                gain = deepnorm(c.n_layer, c.n_decoder_layer)[name.split(".")[0]][1] if c.norm == "deepnorm" else 1.0
                roles = kind if kind in ("q", "kv") else "o"
                for part, role in zip(weight.chunk(len(roles)), roles, strict=True):
                    # Queries and keys only choose; what is carried (values, outputs, the MLP) is what DeepNorm shrinks.
                    nn.init.xavier_uniform_(part, gain=1.0 if role in "qk" else gain, generator=generator)

    def forward(
        self,
        source: Int[Tensor, "b s"] | None,
        tokens: Int[Tensor, "b t"],
        cache: CrossCache | None = None,
        *,
        source_mask: Bool[Tensor, "b s"] | None = None,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t v"]:
        """Logits of the token after each of `tokens`, in a translation of `source`.

        Args:
            source: Ids; with a cache that has seen it, the same or None.
            tokens: Ids of the target, from its start symbol on; with a cache, those that come after what it has seen.
            cache: From `new_cache`; it is extended in place.
            source_mask, mask: True at real tokens, None if all are. Logits at padding mean nothing.
        """
        return self.readout(self.hidden(source, tokens, cache, source_mask=source_mask, mask=mask))

    def encode(
        self, source: Int[Tensor, "b s"], source_mask: Bool[Tensor, "b s"] | None = None
    ) -> Float[Tensor, "b s d"]:
        """The encoder's states of `source`."""
        seen = key_mask(source_mask, *source.shape, called="source_mask")
        x = self.place(self.embed, source, real_positions(source.shape[1], source_mask, device=source.device))
        for block in self.encoder:
            x = block(x, seen)
        return x if self.encoder_norm is None else self.encoder_norm(x)

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
        """The decoder's residual stream at its end: all of `forward` but the head."""
        memory = memory_of(source, source_mask, cache, self.look)
        span = locate(tokens, cache, mask)
        x = self.place(self.target_embed or self.embed, tokens, span.positions)
        for block, kv, source_kv in zip(self.decoder, cache or [None] * len(self.decoder), memory.pairs, strict=True):
            x = block(x, span, kv, source_kv, memory.mask)
        if cache is not None:
            cache.advance(span.t)
        return x if self.decoder_norm is None else self.decoder_norm(x)

    def readout(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`: the target's embedding is used a second time, as the head."""
        return linear(x, (self.target_embed or self.embed).weight, self.head_bias)

    def place(self, embed: nn.Embedding, tokens: Tensor, positions: Tensor) -> Float[Tensor, "b t d"]:
        """Embed `tokens` where they stand (section 3.4 and 3.5)."""
        c, weight = self.config, embed.weight
        x = embed(tokens) * math.sqrt(c.width) if c.scaled else embed(tokens)
        waves = sinusoids if c.interleaved else sinusoids_in_halves
        return self.drop(x + waves(positions, c.width, dtype=weight.dtype))

    def new_cache(self, batch: int, room: int) -> CrossCache:
        """An empty cache for `batch` translations of up to `room` tokens."""
        c, like = self.config, {"dtype": self.embed.weight.dtype, "device": self.embed.weight.device}
        return CrossCache([None] * c.n_decoder_layer, batch, c.n_head, c.width // c.n_head, room, **like)


class Residual(nn.Module):
    """The sum around a sublayer, and where its norm stands: the four lines that the papers differ in."""

    def __init__(self, config: TransformerConfig, weight: float):
        super().__init__()
        self.kind, self.weight = config.norm, weight
        self.norm = nn.LayerNorm(config.width, config.eps) if config.norm != "rezero" else nn.Identity()
        self.gate = nn.Parameter(torch.zeros(())) if config.norm == "rezero" else None
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        if self.kind == "post":
            return self.norm(x + self.drop(sublayer(x)))
        if self.kind == "pre":
            return x + self.drop(sublayer(self.norm(x)))
        if self.kind == "deepnorm":
            return self.norm(self.weight * x + self.drop(sublayer(x)))
        return x + self.gate * self.drop(sublayer(x))


class EncoderBlock(nn.Module):
    """Attention to the whole source, then the MLP."""

    def __init__(self, config: TransformerConfig, weight: float):
        super().__init__()
        self.attn, self.attn_sum = Attention(config), Residual(config, weight)
        self.mlp, self.mlp_sum = MLP(config), Residual(config, weight)
        self.after_attn, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor, seen: Tensor | None) -> Tensor:
        x = self.after_attn(self.attn_sum(x, lambda x: self.attn(x, *self.attn.look_at(x), seen)))
        return self.after_mlp(self.mlp_sum(x, self.mlp))


class DecoderBlock(nn.Module):
    """Causal attention to the target so far, attention to the source, then the MLP."""

    def __init__(self, config: TransformerConfig, weight: float):
        super().__init__()
        self.attn, self.attn_sum = Attention(config), Residual(config, weight)
        self.cross, self.cross_sum = Attention(config), Residual(config, weight)
        self.mlp, self.mlp_sum = MLP(config), Residual(config, weight)
        self.after_attn, self.after_cross, self.after_mlp = Tap(), Tap(), Tap()

    def forward(self, x: Tensor, span: Span, kv: LayerCache | None, source_kv: Pair, seen: Tensor | None) -> Tensor:
        def look_back(x: Tensor) -> Tensor:
            k, v = self.attn.look_at(x)
            if kv is not None:
                k, v = kv.extend(k, v)
            mask = span.mask(k.shape[2])
            return self.attn(x, k, v, mask, causal=mask is None)

        x = self.after_attn(self.attn_sum(x, look_back))
        x = self.after_cross(self.cross_sum(x, lambda x: self.cross(x, *source_kv, seen)))
        return self.after_mlp(self.mlp_sum(x, self.mlp))


class Attention(nn.Module):
    """Multi-head attention (section 3.2.2): queries from one sequence, keys and values from the same or another."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.n_head = config.n_head
        self.q = Linear(config.width, config.width)
        self.kv = Linear(config.width, 2 * config.width)
        self.out = Linear(config.width, config.width)

    def look_at(self, states: Float[Tensor, "b s d"]) -> tuple[Tensor, Tensor]:
        """Keys and values of what is looked at."""
        k, v = self.kv(states).chunk(2, dim=-1)
        return split_heads(k, self.n_head), split_heads(v, self.n_head)

    def forward(self, x: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool = False) -> Tensor:
        return self.out(merge_heads(attend(split_heads(self.q(x), self.n_head), k, v, mask, causal=causal)))


class MLP(nn.Module):
    """max(0, x W1 + b1) W2 + b2, at each position (section 3.3)."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.up = Linear(config.width, config.ff_width)
        self.down = Linear(config.ff_width, config.width)
        self.activation = ACTIVATIONS[config.activation]

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.activation(self.up(x)))


PRESETS = {  # table 3 of the paper, with the shared vocabulary of section 5.1
    "transformer-base": TransformerConfig(vocab_size=37000, width=512, n_layer=6, n_head=8, dropout=0.1),
    "transformer-big": TransformerConfig(vocab_size=37000, width=1024, n_layer=6, n_head=16, dropout=0.3),
}

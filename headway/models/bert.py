"""BERT: the Transformer's encoder alone, pre-trained by masked language modelling and fine-tuned for other tasks.

Devlin, Chang, Lee & Toutanova, *BERT: Pre-training of Deep Bidirectional Transformers*, 2018 (arXiv 1810.04805).
Sentence embeddings: Reimers & Gurevych, *Sentence-BERT*, 2019 (1908.10084).

    tokens -> embed + position + segment -> norm -> [attention -> + -> attn_norm -> mlp -> + -> mlp_norm] x n_layer -> states
    states -> mlm: dense, GELU, norm, embedᵀ -> logits at each place      states[first] -> pool: dense, tanh -> nsp | classify

Against the Transformer of 2017: no decoder; positions are learned; a norm follows the embedding; GELU; a second embedding says
which of two sentences a token belongs to; and a head says what to do with the states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import DERIVED, at_least_one, settle
from headway.base.errors import HeadwayError
from headway.blocks.attention import attend, merge_heads, split_heads
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear, linear
from headway.blocks.masks import key_mask, real_positions
from headway.blocks.packed import Packing, attend_packed
from headway.blocks.tap import Tap

NOTES = {
    "position": "a learned vector per position, added once to the embedding; nothing beyond the context length",
    "norm": "LayerNorm, after each residual sum (post-norm), and one after the embedding",
    "attention": "both ways: every token sees every token; biases everywhere",
    "mlp": "GELU (exact) between two linear maps, four times the width inside",
    "head": "words: dense, GELU and norm before the tied embedding; sentences: dense and tanh on the first state",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""

Head = Literal["states", "mlm", "pretraining", "sequence", "token"]
HEADS = ("states", "mlm", "pretraining", "sequence", "token")
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
}


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """The sizes of an encoder, and what it is for.

    Attributes:
        vocab_size, context, n_segment: Rows of the embeddings of words, positions and segments.
        width, n_layer, n_head, ff_width: Residual stream, blocks, heads, width inside the MLP (4 · width if None).
        head: "states"; "mlm" (a word at each place); "pretraining" (that, and whether the second segment follows the first);
            "sequence" (a label for the text); "token" (a label for each token).
        labels: Names of the labels, for the last two.
        pooler: Whether states have a pooled one beside them; some sentence encoders were released without.
        activation: "gelu"; a few checkpoints have its tanh form, "gelu_new", or "relu".
        eps, dropout: Added to the variance in LayerNorm; probability on sublayers' outputs and embeddings, in training only.
    """

    vocab_size: int
    width: int
    n_layer: int
    n_head: int
    ff_width: int = DERIVED
    context: int = 512
    n_segment: int = 2
    head: Head = "pretraining"
    labels: tuple[str, ...] = ("LABEL_0", "LABEL_1")
    pooler: bool = True
    activation: Literal["gelu", "gelu_new", "relu"] = "gelu"
    eps: float = 1e-12
    dropout: float = 0.0

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "n_layer", "n_head", "ff_width", "context")
        settle(self, ff_width=4 * self.width)
        object.__setattr__(self, "labels", tuple(self.labels))
        if self.width % self.n_head:
            raise HeadwayError(f"n_head must divide width: {self.width} is not a multiple of {self.n_head}")
        for field, known in (("head", HEADS), ("activation", tuple(ACTIVATIONS))):
            if getattr(self, field) not in known:
                raise HeadwayError(f"{field} is one of {', '.join(known)}, not {getattr(self, field)!r}")
        if not 0 <= self.dropout < 1:
            raise HeadwayError(f"dropout is a probability below 1, not {self.dropout}")

    @property
    def pools(self) -> bool:
        """Whether there is a layer that makes one vector of the first token's state."""
        return self.head in ("pretraining", "sequence") or (self.head == "states" and self.pooler)


class Bert(nn.Module):
    """An encoder: token ids in, what the head makes of its states out."""

    first_position = 0

    def __init__(self, config: BertConfig):
        super().__init__()
        c = self.config = config
        self.embed = Embedding(c.vocab_size, c.width)
        self.position = nn.Embedding(c.context + self.first_position, c.width)
        self.segment = Embedding(c.n_segment, c.width, "segment")
        self.embed_norm = nn.LayerNorm(c.width, c.eps)
        self.drop = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.n_layer))
        self.mlm = WordHead(c) if c.head in ("mlm", "pretraining") else None
        self.pool = Linear(c.width, c.width) if c.pools else None
        self.nsp = Linear(c.width, 2) if c.head == "pretraining" else None
        self.classify = Linear(c.width, len(c.labels)) if c.head in ("sequence", "token") else None
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: N(0, 0.02), gains 1, biases 0."""
        for name, weight in self.named_parameters():
            if weight.dim() == 1:
                nn.init.constant_(weight, 1.0 if name.endswith("norm.weight") else 0.0)
            else:
                nn.init.normal_(weight, std=0.02, generator=generator)

    def forward(
        self,
        tokens: Int[Tensor, "b t"],
        mask: Bool[Tensor, "b t"] | None = None,
        *,
        segments: Int[Tensor, "b t"] | None = None,
        packed: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """What the head makes of `tokens`.

        Args:
            tokens: Ids, the first of each row the one that sentences are judged by ([CLS]).
            mask: True at real tokens, None if all are. What comes out at padding means nothing.
            segments: For each token, the sentence it belongs to; 0 if None.
            packed: Leave the padding out of the computation. The same numbers, sooner where there is much of it.

        Returns:
            By `config.head`: states (b, t, d); logits of words (b, t, v); those, and of whether the second segment follows
            the first (b, 2), where 0 means that it does; logits of labels (b, n); of labels at each token (b, t, n).
        """
        return self.readout(self.hidden(tokens, mask, segments=segments, packed=packed), mask)

    def hidden(
        self,
        tokens: Int[Tensor, "b t"],
        mask: Bool[Tensor, "b t"] | None = None,
        *,
        segments: Int[Tensor, "b t"] | None = None,
        packed: bool = False,
    ) -> Float[Tensor, "b t d"]:
        """The states of every token: all of `forward` but the head."""
        b, t = tokens.shape
        seen = key_mask(mask, b, t)
        positions = real_positions(t, mask, device=tokens.device)
        if t > self.config.context:
            raise HeadwayError(f"this model has {self.config.context} positions and the text needs {t}: shorten it")
        segment = self.segment.weight[0] if segments is None else self.segment(segments)
        x = self.embed(tokens) + self.position(positions + self.first_position) + segment
        packing = Packing.of(mask) if packed and mask is not None and seen is not None else None
        x = self.drop(self.embed_norm(x if packing is None else packing.pack(x)))
        for block in self.blocks:
            x = block(x, seen if packing is None else packing)
        return x if packing is None else packing.unpack(x)

    def readout(
        self, x: Float[Tensor, "b t d"], mask: Bool[Tensor, "b t"] | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """From `hidden` to what `forward` returns."""
        words = None if self.mlm is None else self.mlm(x, self.embed.weight)
        if self.classify is not None:
            return self.classify(self.drop(x if self.pool is None else self.pooled(x, mask)))
        if words is None:
            return x
        return words if self.nsp is None else (words, self.nsp(self.pooled(x, mask)))

    def pooled(self, x: Float[Tensor, "b t d"], mask: Bool[Tensor, "b t"] | None = None) -> Float[Tensor, "b d"]:
        """tanh of a linear map of the first real token's state."""
        if self.pool is None:
            raise HeadwayError(
                f"a model with the head {self.config.head!r} and no pooler has no pooled state: it was not trained for one"
            )
        first = x[:, 0] if mask is None else x[torch.arange(len(x), device=x.device), mask.int().argmax(1)]
        return torch.tanh(self.pool(first))

    def sentence(
        self,
        tokens: Int[Tensor, "b t"],
        mask: Bool[Tensor, "b t"] | None = None,
        *,
        how: Literal["mean", "first"] = "mean",
        packed: bool = False,
    ) -> Float[Tensor, "b d"]:
        """One vector of length 1 per text: the mean of its real tokens' states, or its first token's.

        The dot product of two of them is the cosine of their angle: how similar the texts are.
        """
        x = self.hidden(tokens, mask, packed=packed)
        real = torch.ones_like(tokens, dtype=torch.bool) if mask is None else mask
        weight = real if how == "mean" else real & (real.cumsum(1) == 1)
        weight = weight[..., None].to(x.dtype)
        return F.normalize((x * weight).sum(1) / weight.sum(1), dim=-1)

    def with_head(self, head: Head, labels: tuple[str, ...] = ("LABEL_0", "LABEL_1")) -> Bert:
        """Another model with this one's encoder (the same tensors) and a fresh head, for fine-tuning."""
        other = type(self)(replace(self.config, head=head, labels=labels)).to(self.embed.weight)
        for name in ("embed", "position", "segment", "embed_norm", "blocks"):
            setattr(other, name, getattr(self, name))
        if self.pool is not None and other.pool is not None:
            other.pool = self.pool
        return other


class Block(nn.Module):
    """Attention and MLP, each added to its input and the sum normed."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.attn = Attention(config)
        self.attn_norm = nn.LayerNorm(config.width, config.eps)
        self.mlp = MLP(config)
        self.mlp_norm = nn.LayerNorm(config.width, config.eps)
        self.drop = nn.Dropout(config.dropout)
        self.after_attn, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor, seen: Tensor | Packing | None) -> Tensor:
        x = self.after_attn(self.attn_norm(x + self.drop(self.attn(x, seen))))
        return self.after_mlp(self.mlp_norm(x + self.drop(self.mlp(x))))


class Attention(nn.Module):
    """Multi-head attention of all tokens to all, with one fused projection; on packed tokens, row by row."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.n_head = config.n_head
        self.qkv = Linear(config.width, 3 * config.width)
        self.out = Linear(config.width, config.width)

    def forward(self, x: Tensor, seen: Tensor | Packing | None) -> Tensor:
        if isinstance(seen, Packing):
            q, k, v = self.qkv(x).unflatten(-1, (3, self.n_head, -1)).unbind(1)
            return self.out(attend_packed(q, k, v, seen).flatten(1))
        q, k, v = (split_heads(part, self.n_head) for part in self.qkv(x).chunk(3, dim=-1))
        return self.out(merge_heads(attend(q, k, v, seen)))


class MLP(nn.Module):
    """Two linear maps with GELU between them (Hendrycks & Gimpel, 2016, 1606.08415), x·Φ(x) with Φ exact."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.up = Linear(config.width, config.ff_width)
        self.down = Linear(config.ff_width, config.width)
        self.activation = ACTIVATIONS[config.activation]

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.activation(self.up(x)))


class WordHead(nn.Module):
    """Logits of words: one more dense layer, then the embedding a second time, with a bias of its own."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.dense = Linear(config.width, config.width)
        self.norm = nn.LayerNorm(config.width, config.eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.activation = ACTIVATIONS[config.activation]

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        return linear(self.norm(self.activation(self.dense(x))), embedding, self.bias)


PRESETS = {  # section 3 of the paper; the vocabulary of the released uncased model; MiniLM as its config.json has it
    "bert-base": BertConfig(vocab_size=30522, width=768, n_layer=12, n_head=12, dropout=0.1),
    "bert-large": BertConfig(vocab_size=30522, width=1024, n_layer=24, n_head=16, dropout=0.1),
    "minilm": BertConfig(vocab_size=30522, width=384, n_layer=6, n_head=12, head="states", dropout=0.1),
}

"""Sequence to sequence with recurrent networks: first through one vector, then with a look at every word of the source.

- Fixed vector: Cho et al., 2014 (arXiv 1406.1078); Sutskever, Vinyals & Le, 2014 (1409.3215).
- Additive attention: Bahdanau, Cho & Bengio, *Jointly Learning to Align and Translate*, 2014 (1409.0473).
- Dot, general and concat scores: Luong, Pham & Manning, 2015 (1508.04025).

    source -> embed -> GRU forwards and backwards -> states
    tokens -> target_embed -> [look at states -> GRU] over time -> maxout -> head -> logits      (none, additive)
    tokens -> target_embed -> [GRU -> look at states -> tanh] over time -> head -> logits        (dot, general, concat)

Against the GRU language model: a second network reads the source first. Without attention all it found out has to fit into one
vector, whatever the length; with attention each step takes what it needs from all the states, and the weights can be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import at_least_one
from headway.base.errors import HeadwayError
from headway.blocks.alignment import additive_scores, align, dot_scores
from headway.blocks.cache_state import Real, sort_padding
from headway.blocks.embedding import Embedding
from headway.blocks.masks import key_mask
from headway.blocks.memory import CrossState, Memory, memory_of
from headway.blocks.recurrent import gru, gru_step, state_at, turned
from headway.blocks.tap import Tap

NOTES = {
    "position": "none: order is the order in which the states were written",
    "norm": "none",
    "mixer": "a gated recurrent unit in the encoder, both ways, and one in the decoder",
    "attention": "one look at the encoder's states per step, with one head: additive, or Luong's dot, general or concat; or none",
    "head": "its own matrix, on a maxout of state, word and context (2014), or on their tanh (2015)",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""

SCORES = ("none", "additive", "dot", "general", "concat")


@dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig:
    """The sizes of the model.

    Attributes:
        vocab_size: Rows of the source's embedding.
        target_vocab_size: Rows of the target's; vocab_size if None.
        width: Features of a token.
        state: Features of the decoder's state, and of the encoder's in each direction.
        attention: "none" (one fixed vector), "additive" (Bahdanau), "dot", "general" or "concat" (Luong, with input feeding).
        bidirectional: Whether the encoder also reads backwards. "dot" compares states as they are and needs it off.
        dropout: Probability on embeddings and before the head, in training only.
    """

    vocab_size: int
    width: int
    state: int
    target_vocab_size: int | None = None
    attention: Literal["none", "additive", "dot", "general", "concat"] = "additive"
    bidirectional: bool = True
    dropout: float = 0.0

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "state", "target_vocab_size")
        if self.attention not in SCORES:
            raise HeadwayError(f"attention is one of {', '.join(SCORES)}, not {self.attention!r}")
        if self.attention == "dot" and self.bidirectional:
            raise HeadwayError(
                "the dot score multiplies the decoder's state with the encoder's, which is twice as wide when it reads both "
                "ways: set bidirectional=False, or attention='general'"
            )
        if not 0 <= self.dropout < 1:
            raise HeadwayError(f"dropout is a probability below 1, not {self.dropout}")


class Seq2Seq(nn.Module):
    """A translator: source ids and the target's ids so far in, the logits of each next target id out."""

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        c = self.config = config
        self.embed = Embedding(c.vocab_size, c.width)
        self.target_embed = Embedding(c.target_vocab_size or c.vocab_size, c.width)
        self.drop = nn.Dropout(c.dropout)
        self.ahead = Cell(c.width, c.state)
        self.back = Cell(c.width, c.state) if c.bidirectional else None
        self.begin = nn.Linear(c.state * (2 if c.bidirectional else 1), c.state)
        self.decoder = Decoder(c)
        self.head = nn.Linear(c.state, c.target_vocab_size or c.vocab_size)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: embeddings N(0, 1), the rest uniform within 1/sqrt(state)."""
        for name, weight in self.named_parameters():
            if "embed" in name:
                nn.init.normal_(weight, generator=generator)
            else:
                nn.init.uniform_(weight, -(self.config.state**-0.5), self.config.state**-0.5, generator=generator)

    def forward(
        self,
        source: Int[Tensor, "b s"] | None,
        tokens: Int[Tensor, "b t"],
        cache: CrossState | None = None,
        *,
        source_mask: Bool[Tensor, "b s"] | None = None,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t v"]:
        """Logits of the token after each of `tokens`, in a translation of `source`.

        Args:
            source: Ids; with a cache that has seen it, the same or None.
            tokens: Ids of the target, from its start symbol on; with a cache, those that come after what it has seen.
            cache: From `new_cache`; its state moves on.
            source_mask, mask: True at real tokens, None if all are. Logits at padding mean nothing.
        """
        return self.readout(self.hidden(source, tokens, cache, source_mask=source_mask, mask=mask))

    def encode(
        self, source: Int[Tensor, "b s"], source_mask: Bool[Tensor, "b s"] | None = None
    ) -> Float[Tensor, "b s e"]:
        """The encoder's states of `source`: forwards, and beside it backwards."""
        states, real = self.read(source, source_mask)
        return real.restore(states)

    def read(self, source: Tensor, source_mask: Tensor | None) -> tuple[Float[Tensor, "b s e"], Real]:
        """The encoder's states with the real ones in front."""
        key_mask(source_mask, *source.shape, called="source_mask")
        source, real = sort_padding(source, None, source_mask)
        x = self.drop(self.embed(source))
        zero = x.new_zeros(x.shape[0], self.config.state)
        states = gru(x, zero, *self.ahead.weights)
        if self.back is None:
            return states, real
        backwards = turned(gru(turned(x, real.lengths), zero, *self.back.weights), real.lengths)
        return torch.cat((states, backwards), -1), real

    def look(self, source: Tensor, source_mask: Tensor | None = None) -> Memory:
        """What the decoder looks at: the states and their keys, made once per source."""
        states, real = self.read(source, source_mask)
        return Memory([(self.decoder.keys(states), states)], real.mask)

    def summary(self, memory: Memory) -> Float[Tensor, "b e"]:
        """Both ends of what was read: the state after the last word, and backwards after the first."""
        states, n = memory.pairs[0][1], self.config.state
        lengths = None if memory.mask is None else memory.mask.sum(1)
        last = state_at(states[..., :n], states[:, 0, :n], lengths)
        return torch.cat((last, states[:, 0, n:]), -1)

    def hidden(
        self,
        source: Int[Tensor, "b s"] | None,
        tokens: Int[Tensor, "b t"],
        cache: CrossState | None = None,
        *,
        source_mask: Bool[Tensor, "b s"] | None = None,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t n"]:
        """What the head reads: all of `forward` but the head."""
        memory = memory_of(source, source_mask, cache, self.look)
        tokens, real = sort_padding(tokens, cache, mask)
        words, summary = self.drop(self.target_embed(tokens)), self.summary(memory)
        if not tokens.shape[1]:  # nothing came, and the state stays
            return words.new_zeros(len(words), 0, self.head.in_features)
        if cache is None or cache.length == 0:
            s = torch.tanh(self.begin(summary))
            fed = torch.zeros_like(s)
        else:
            s, fed = cache.layers[0].read().values()
        x, states, feeds = self.decoder(words, s, fed, memory, summary)
        if cache is not None:
            cache.layers[0].write(s=state_at(states, s, real.lengths), fed=state_at(feeds, fed, real.lengths))
            cache.advance(tokens.shape[1], real.lengths)
        return self.drop(real.restore(x))

    def readout(self, x: Float[Tensor, "b t n"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`."""
        return self.head(x)

    def new_cache(self, batch: int, room: int) -> CrossState:
        """An empty cache for `batch` translations of any length."""
        n, weight = self.config.state, self.embed.weight
        return CrossState([{"s": (n,), "fed": (n,)}], batch, dtype=weight.dtype, device=weight.device)


class Cell(nn.Module):
    """The weights of a gated recurrent unit. The equations are in `headway.blocks.recurrent`."""

    def __init__(self, width: int, state: int):
        super().__init__()
        self.input = nn.Linear(width, 3 * state)
        self.state = nn.Linear(state, 3 * state)

    @property
    def weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """In the order in which `gru` and `gru_step` take them."""
        return self.input.weight, self.state.weight, self.input.bias, self.state.bias


class Decoder(nn.Module):
    """The recurrent decoder, attending before its recurrent step (2014) or after it (2015)."""

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        c, read = config, config.state * (2 if config.bidirectional else 1)
        self.kind, self.luong = c.attention, c.attention in ("dot", "general", "concat")
        self.cell = Cell(c.width + (c.state if self.luong else read), c.state)
        self.key = nn.Linear(read, c.state, bias=False) if c.attention in ("additive", "general", "concat") else None
        self.query = nn.Linear(c.state, c.state, bias=False) if c.attention in ("additive", "concat") else None
        self.score = nn.Linear(c.state, 1, bias=False) if c.attention in ("additive", "concat") else None
        self.join = nn.Linear(read + c.state, c.state, bias=False) if self.luong else None
        self.deep = None if self.luong else nn.Linear(c.state + c.width + read, 2 * c.state)
        self.alignment = Tap()  # (b, t, s): how much each step looked at each place of the source

    def keys(self, states: Float[Tensor, "b s e"]) -> Float[Tensor, "b s n"]:
        """What queries are compared with."""
        return states if self.key is None else self.key(states)

    def look_at(self, memory: Memory, query: Float[Tensor, "b n"]) -> tuple[Tensor, Tensor]:
        """The context for `query`, and how much each place gave to it."""
        keys, states = memory.pairs[0]
        if self.query is None or self.score is None:
            return align(dot_scores(query, keys), states, memory.mask)
        return align(additive_scores(query, keys, self.query.weight, self.score.weight[0]), states, memory.mask)

    def forward(
        self, words: Tensor, s: Tensor, fed: Tensor, memory: Memory, summary: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What the head reads, the states, and what is fed back, after each word: (b, t, n) each."""
        if self.join is not None:
            return self.in_2015(words, s, fed, memory, self.join)
        assert self.deep is not None
        if self.kind == "none":
            contexts = summary[:, None].expand(-1, words.shape[1], -1)
            states = gru(torch.cat((words, contexts), -1), s, *self.cell.weights)
        else:
            states, contexts = self.in_2014(words, s, memory)
        # Deep output (Bahdanau et al., appendix A.2.2): the larger of each pair of features.
        pairs = self.deep(torch.cat((states, words, contexts), -1)).unflatten(-1, (-1, 2))
        return pairs.amax(-1), states, torch.zeros_like(states)

    def in_2014(self, words: Tensor, s: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Bahdanau: the previous state is the query, and the context is an input of the step. Returns states and contexts."""
        states, contexts, weights = [], [], []
        for word in words.unbind(1):
            context, weight = self.look_at(memory, s)
            s = gru_step(torch.cat((word, context), -1), s, *self.cell.weights)
            for kept, new in ((states, s), (contexts, context), (weights, weight)):
                kept.append(new)
        self.alignment(torch.stack(weights, 1))
        return torch.stack(states, 1), torch.stack(contexts, 1)

    def in_2015(
        self, words: Tensor, s: Tensor, fed: Tensor, memory: Memory, join: nn.Linear
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Luong: the new state asks; its answer and itself make what the head reads and the next step is fed (section 3.3)."""
        states, feeds, weights = [], [], []
        for word in words.unbind(1):
            s = gru_step(torch.cat((word, fed), -1), s, *self.cell.weights)
            context, weight = self.look_at(memory, s)
            fed = torch.tanh(join(torch.cat((context, s), -1)))  # equation 5
            for kept, new in ((states, s), (feeds, fed), (weights, weight)):
                kept.append(new)
        self.alignment(torch.stack(weights, 1))
        return torch.stack(feeds, 1), torch.stack(states, 1), torch.stack(feeds, 1)


PRESETS = {  # RNNsearch: appendix A.2.3 of Bahdanau et al., with the vocabularies of section 4.1
    "rnnsearch": Seq2SeqConfig(vocab_size=30000, width=620, state=1000),
    "rnnencdec": Seq2SeqConfig(vocab_size=30000, width=620, state=1000, attention="none"),
}

"""A language model with a gated recurrent unit: one state, read and rewritten at every token.

Cho et al., *Learning Phrase Representations using RNN Encoder-Decoder*, 2014 (arXiv 1406.1078), section 2.3.

    tokens -> embed -> [cell over time] x n_layer -> head -> logits

Against the window of 2003: the past has no fixed length any more; all of it has to fit into one state, which two gates guard.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import at_least_one
from headway.base.errors import HeadwayError
from headway.blocks.cache_state import LayerState, Real, RecurrentCache, sort_padding
from headway.blocks.embedding import Embedding
from headway.blocks.recurrent import gru, state_at
from headway.blocks.tap import Tap

NOTES = {
    "position": "none: order is the order in which the state was rewritten",
    "norm": "none",
    "mixer": "a gated recurrent unit: reset and update gates, one state of fixed size",
    "mlp": "none",
    "head": "its own matrix, on the last layer's state",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class GRUConfig:
    """The sizes of the model.

    Attributes:
        vocab_size: Rows of the embedding.
        width: Features of a token.
        state: Features of a layer's state.
        n_layer: Layers, each over the states of the one below.
        dropout: Probability on the states that a layer hands to the next, in training only.
    """

    vocab_size: int
    width: int
    state: int
    n_layer: int = 1
    dropout: float = 0.0

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "n_layer", "state")
        if not 0 <= self.dropout < 1:
            raise HeadwayError(f"dropout is a probability below 1, not {self.dropout}")


class GRU(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: GRUConfig):
        super().__init__()
        c = self.config = config
        self.embed = Embedding(c.vocab_size, c.width)
        self.drop = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(Cell(c.state if n else c.width, c.state) for n in range(c.n_layer))
        self.head = nn.Linear(c.state, c.vocab_size)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: embeddings N(0, 1), the rest uniform within 1/sqrt(state)."""
        bound = self.config.state**-0.5
        for name, weight in self.named_parameters():
            if name == "embed.weight":
                nn.init.normal_(weight, generator=generator)
            else:
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
            cache: From `new_cache`; its states move on. No gradient flows through it into the call before, which is what
                truncated backpropagation through time asks for.
            mask: True at real tokens, None if all are. Logits at padding mean nothing.
        """
        return self.readout(self.hidden(tokens, cache, mask=mask))

    def hidden(
        self,
        tokens: Int[Tensor, "b t"],
        cache: RecurrentCache | None = None,
        *,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t n"]:
        """The last layer's states: all of `forward` but the head."""
        tokens, real = sort_padding(tokens, cache, mask)
        x = self.embed(tokens)
        for cell, past in zip(self.blocks, cache or [None] * len(self.blocks), strict=True):
            x = cell(x if cell is self.blocks[0] else self.drop(x), real, past)
        if cache is not None:
            cache.advance(tokens.shape[1], real.lengths)
        return real.restore(x)

    def readout(self, x: Float[Tensor, "b t n"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`."""
        return self.head(x)

    def new_cache(self, batch: int, room: int) -> RecurrentCache:
        """An empty cache for `batch` texts of any length: one state per layer."""
        c, weight = self.config, self.embed.weight
        return RecurrentCache([{"h": (c.state,)}] * c.n_layer, batch, dtype=weight.dtype, device=weight.device)


class Cell(nn.Module):
    """One layer: the gates' weights on the input and on the state. The equations are in `headway.blocks.recurrent`."""

    def __init__(self, width: int, state: int):
        super().__init__()
        self.input = nn.Linear(width, 3 * state)
        self.state = nn.Linear(state, 3 * state)
        self.after = Tap()

    def forward(self, x: Tensor, real: Real, past: LayerState | None) -> Tensor:
        if not x.shape[1]:  # nothing came, and the state stays
            if past is not None:
                past.write(**past.read())
            return self.after(x.new_zeros(x.shape[0], 0, self.state.in_features))
        start = x.new_zeros(x.shape[0], self.state.in_features) if past is None else past.read()["h"]
        states = gru(x, start, self.input.weight, self.state.weight, self.input.bias, self.state.bias)
        if past is not None:
            past.write(h=state_at(states, start, real.lengths))
        return self.after(states)


PRESETS = {"small": GRUConfig(vocab_size=65, width=64, state=128)}  # characters of Shakespeare, in minutes on a laptop

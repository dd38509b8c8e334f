"""A language model with long short-term memory: an additive cell behind input, forget and output gates.

Hochreiter & Schmidhuber, *Long Short-Term Memory*, Neural Computation, 1997;
the forget gate is of Gers, Schmidhuber & Cummins, *Learning to Forget*, 2000.

    tokens -> embed -> [cell over time] x n_layer -> head -> logits

Against the GRU: the cell is kept apart from the output, and writing and keeping have gates of their own, so that it may do both.
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
from headway.blocks.recurrent import lstm, lstm_by_hand, state_at
from headway.blocks.tap import Tap

NOTES = {
    "position": "none: order is the order in which the cell was written",
    "norm": "none",
    "mixer": "long short-term memory: input, forget and output gates, a cell and an output of fixed size",
    "mlp": "none",
    "head": "its own matrix, on the last layer's output",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class LSTMConfig:
    """The sizes of the model.

    Attributes:
        vocab_size: Rows of the embedding.
        width: Features of a token.
        state: Features of a layer's output, and of its cell.
        n_layer: Layers, each over the outputs of the one below.
        dropout: Probability on the outputs that a layer hands to the next, in training only.
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


class LSTM(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: LSTMConfig):
        super().__init__()
        c = self.config = config
        self.embed = Embedding(c.vocab_size, c.width)
        self.drop = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(Cell(c.state if n else c.width, c.state) for n in range(c.n_layer))
        self.head = nn.Linear(c.state, c.vocab_size)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: embeddings N(0, 1), the rest uniform within 1/sqrt(state), forget gates open."""
        bound = self.config.state**-0.5
        for name, weight in self.named_parameters():
            if name == "embed.weight":
                nn.init.normal_(weight, generator=generator)
            else:
                nn.init.uniform_(weight, -bound, bound, generator=generator)
            if name.endswith("input.bias"):
                # A forget gate at σ(1) = 0.73 lets the first gradients through (Jozefowicz, Zaremba & Sutskever, 2015).
                nn.init.ones_(weight[self.config.state : 2 * self.config.state])

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
        """The last layer's outputs: all of `forward` but the head."""
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
        """An empty cache for `batch` texts of any length: an output and a cell per layer."""
        c, weight = self.config, self.embed.weight
        states = [{"h": (c.state,), "c": (c.state,)}] * c.n_layer
        return RecurrentCache(states, batch, dtype=weight.dtype, device=weight.device)


class Cell(nn.Module):
    """One layer: the gates' weights on the input and on the state. The equations are in `headway.blocks.recurrent`."""

    def __init__(self, width: int, state: int):
        super().__init__()
        self.input = nn.Linear(width, 4 * state)
        self.state = nn.Linear(state, 4 * state)
        self.after = Tap()

    def forward(self, x: Tensor, real: Real, past: LayerState | None) -> Tensor:
        if not x.shape[1]:  # nothing came, and the state stays
            if past is not None:
                past.write(**past.read())
            return self.after(x.new_zeros(x.shape[0], 0, self.state.in_features))
        zero = x.new_zeros(x.shape[0], self.state.in_features)
        h, c = (zero, zero) if past is None else past.read().values()
        weights = (self.input.weight, self.state.weight, self.input.bias, self.state.bias)
        if past is not None and real.lengths is not None:  # the rows end at different steps: every cell is needed
            outputs, cells = lstm_by_hand(x, h, c, *weights)
            past.write(h=state_at(outputs, h, real.lengths), c=state_at(cells, c, real.lengths))
            return self.after(outputs)
        outputs, last = lstm(x, h, c, *weights)
        if past is not None:
            past.write(h=outputs[:, -1], c=last)
        return self.after(outputs)


PRESETS = {"small": LSTMConfig(vocab_size=65, width=64, state=128)}  # characters of Shakespeare, in minutes on a laptop

"""The neural language model of 2003: the last few tokens, each as a learned vector, through one hidden layer.

Bengio, Ducharme, Vincent & Jauvin, *A Neural Probabilistic Language Model*, JMLR 3, 2003, equation 1.

    tokens -> embed -> the newest `context` vectors side by side -> up, tanh -> head (which may also see the vectors) -> logits

Against the bigram model: several tokens are looked at, and words are vectors, so that what is learned of one word serves its
neighbours; a table of all such contexts could not be filled by any amount of text.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import at_least_one
from headway.blocks.cache_state import RecurrentCache, sort_padding
from headway.blocks.conv import last_inputs
from headway.blocks.embedding import Embedding

NOTES = {
    "position": "by place: each of the last tokens has columns of its own in the hidden layer",
    "mixer": "none: a window of fixed length, its vectors side by side",
    "mlp": "one hidden layer with tanh",
    "head": "its own matrix, on the hidden layer and, as a choice, on the vectors themselves",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class MLPLMConfig:
    """The sizes of the model.

    Attributes:
        vocab_size: Rows of the embedding.
        context: How many tokens are looked at, the present one included.
        width: Features of a token (the paper's m).
        ff_width: Width of the hidden layer (the paper's h).
        direct: Whether the vectors also go to the head past the hidden layer (the paper's W).
    """

    vocab_size: int
    context: int
    width: int
    ff_width: int
    direct: bool = True

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "ff_width", "context")


class MLPLM(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: MLPLMConfig):
        super().__init__()
        c = self.config = config
        self.embed = Embedding(c.vocab_size, c.width)
        self.up = nn.Linear(c.context * c.width, c.ff_width)
        self.head = nn.Linear(c.ff_width + (c.context * c.width if c.direct else 0), c.vocab_size)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: embeddings N(0, 1), matrices by 1/sqrt(inputs), biases 0; the head starts small."""
        nn.init.normal_(self.embed.weight, generator=generator)
        for layer, gain in ((self.up, 5 / 3), (self.head, 0.1)):  # 5/3 keeps the variance through tanh
            nn.init.normal_(layer.weight, std=gain * layer.in_features**-0.5, generator=generator)
            nn.init.zeros_(layer.bias)

    def forward(
        self,
        tokens: Int[Tensor, "b t"],
        cache: RecurrentCache | None = None,
        *,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t v"]:
        """Logits of the token after each of `tokens`. What lies before a text's beginning is a vector of zeros.

        Args:
            tokens: Ids; with a cache, those that come after what the cache has seen.
            cache: From `new_cache`; it keeps the vectors that the next tokens still look at.
            mask: True at real tokens, None if all are. Logits at padding mean nothing.
        """
        return self.readout(self.hidden(tokens, cache, mask=mask))

    def hidden(
        self,
        tokens: Int[Tensor, "b t"],
        cache: RecurrentCache | None = None,
        *,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t f"]:
        """tanh(d + H x), and beside it x where the direct connections are on: all of `forward` but the head."""
        b, t = tokens.shape
        tokens, real = sort_padding(tokens, cache, mask)
        x = self.embed(tokens)
        before = x.new_zeros(b, self.config.context - 1, x.shape[-1])
        if cache is not None:
            (past,) = cache
            before = past.read()["past"]
            past.write(past=last_inputs(x, before, real.lengths))
            cache.advance(t, real.lengths)
        full = torch.cat((before, x), 1)
        window = torch.cat([full[:, place : place + t] for place in range(self.config.context)], -1)
        hidden = torch.tanh(self.up(window))
        return real.restore(torch.cat((hidden, window), -1) if self.config.direct else hidden)

    def readout(self, x: Float[Tensor, "b t f"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`."""
        return self.head(x)

    def new_cache(self, batch: int, room: int) -> RecurrentCache:
        """An empty cache for `batch` texts of any length: it keeps `context - 1` vectors."""
        c, weight = self.config, self.embed.weight
        return RecurrentCache([{"past": (c.context - 1, c.width)}], batch, dtype=weight.dtype, device=weight.device)


PRESETS = {
    "brown": MLPLMConfig(vocab_size=16383, context=4, width=60, ff_width=50)
}  # a size the paper tried, section 4

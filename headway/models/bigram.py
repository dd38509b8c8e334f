"""The bigram model: the next token depends on the present one alone. The shortest language model there is.

Shannon, *A Mathematical Theory of Communication*, 1948, section 3 (the second-order approximation to English).

    tokens -> embed, a table of logits

Against nothing: a table of how often each token follows each other one, normalised. `fit` fills it by counting, and gradient
descent on the cross-entropy arrives at the same numbers: counting is the closed form of training.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import at_least_one
from headway.blocks.cache_state import RecurrentCache, sort_padding
from headway.blocks.embedding import Embedding

NOTES = {
    "position": "none: a token is judged by the one before it, wherever it stands",
    "mixer": "none: the past beyond one token is not looked at",
    "head": "the embedding of a token is the row of logits itself",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class BigramConfig:
    """The size of a bigram model.

    Attributes:
        vocab_size: Rows and columns of the table.
    """

    vocab_size: int

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size")

    @property
    def context(self) -> int:
        """How many tokens are looked at."""
        return 1


class Bigram(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: BigramConfig):
        super().__init__()
        self.config = config
        self.embed = Embedding(config.vocab_size, config.vocab_size)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial table: N(0, 0.02), nearly the uniform distribution."""
        nn.init.normal_(self.embed.weight, std=0.02, generator=generator)

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
            cache: From `new_cache`; there is nothing to remember, and so it only counts.
            mask: True at real tokens, None if all are. Logits at padding mean nothing.
        """
        return self.readout(self.hidden(tokens, cache, mask=mask))

    def hidden(
        self,
        tokens: Int[Tensor, "b t"],
        cache: RecurrentCache | None = None,
        *,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t v"]:
        """The rows of the table."""
        _, real = sort_padding(tokens, cache, mask)
        if cache is not None:
            cache.advance(tokens.shape[1], real.lengths)
        return self.embed(tokens)

    def readout(self, x: Float[Tensor, "b t v"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`, which they are already."""
        return x

    def new_cache(self, batch: int, room: int) -> RecurrentCache:
        """An empty cache for `batch` texts of any length: no state at all."""
        return RecurrentCache([], batch, dtype=self.embed.weight.dtype, device=self.embed.weight.device)

    @torch.no_grad()
    def fit(self, tokens: Int[Tensor, " n"], smoothing: float = 1.0) -> None:
        """Set the table to what maximum likelihood gives: log of the counts of each pair in `tokens`.

        Args:
            smoothing: Added to every count (Laplace), so that a pair never seen is unlikely and not impossible.
        """
        v = self.config.vocab_size
        pairs = tokens[:-1].flatten() * v + tokens[1:].flatten()
        counts = torch.bincount(pairs, minlength=v * v).view(v, v).to(torch.float64) + smoothing
        self.embed.weight.copy_((counts / counts.sum(-1, keepdim=True)).log())


PRESETS = {"names": BigramConfig(vocab_size=27)}  # the letters and a mark for where a name begins and ends

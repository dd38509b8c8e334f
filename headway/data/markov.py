"""Text from a chance process whose entropies are known, so that a loss can be read as "what has been learned so far"."""

from __future__ import annotations

import functools

import torch
from torch import Tensor


class MarkovText:
    """A language in which the next symbol depends on the last one and, independently, on the one before it.

        P(c | a, b) = (1 - far) near_table[b, c] + far * far_table[a, c]        b the last symbol, a the one before

    Three losses, in nats per symbol, mark three things a model can have learned:
    `unigram_entropy` (how often each symbol occurs), `bigram_entropy` (the last symbol), `entropy_rate` (everything).

    `symbols` is the size of the alphabet, `peak` the Dirichlet concentration of the tables (smaller = more predictable),
    `seed` chooses the language: two languages of one seed are equal.
    """

    def __init__(self, symbols: int = 24, *, far: float = 0.5, peak: float = 2.0, seed: int = 0) -> None:
        if symbols < 2:
            raise ValueError(f"a language needs at least two symbols, not {symbols}")
        self.symbols = symbols
        generator = torch.Generator().manual_seed(seed)
        # Zipf's law for the base rates: without it the unigram entropy would be that of a fair die.
        base = 1.0 / torch.arange(1, symbols + 1, dtype=torch.float64)
        concentration = peak * base / base.sum()
        near_table, far_table = (_dirichlet(concentration, symbols, generator) for _ in range(2))
        self.table = (1 - far) * near_table[None] + far * far_table[:, None]
        """P(c | a, b) as (a, b, c), float64; every row sums to one."""

    @functools.cached_property
    def pairs(self) -> Tensor:
        """The stationary probability of two neighbouring symbols (a, b), by iterating the chain until it stands still."""
        pairs = torch.full((self.symbols, self.symbols), 1.0 / self.symbols**2, dtype=torch.float64)
        for _ in range(10_000):
            after = torch.einsum("ab,abc->bc", pairs, self.table)
            if (after - pairs).abs().sum() < 1e-14:
                return after
            # Averaging two steps keeps a chain that nearly has a period from swinging between two answers.
            pairs = (after + pairs) / 2
        return pairs

    @functools.cached_property
    def unigram_entropy(self) -> float:
        """H(c): the loss of a model that knows only how often each symbol occurs."""
        return _entropy(self.pairs.sum(0))

    @functools.cached_property
    def bigram_entropy(self) -> float:
        """H(c | b): the loss of a model that has learned all that the last symbol says."""
        return _entropy(self.pairs) - self.unigram_entropy

    @functools.cached_property
    def entropy_rate(self) -> float:
        """H(c | a, b): the loss of a model that has learned everything."""
        return _entropy(self.pairs[..., None] * self.table) - _entropy(self.pairs)

    def sample(self, count: int, length: int, generator: torch.Generator) -> Tensor:
        """Draw `count` independent stretches of `length` >= 2 symbols each: (count, length), int64, stationary from the start."""
        first = torch.multinomial(self.pairs.flatten(), count, replacement=True, generator=generator)
        columns = [first // self.symbols, first % self.symbols]
        table = self.table.flatten(0, 1)
        for _ in range(length - 2):
            rows = table[columns[-2] * self.symbols + columns[-1]]
            columns.append(torch.multinomial(rows, 1, generator=generator)[:, 0])
        return torch.stack(columns[:length], dim=1)


def _dirichlet(concentration: Tensor, rows: int, generator: torch.Generator) -> Tensor:
    """`rows` draws from a Dirichlet distribution, floored so that no row is empty."""
    gammas = torch._standard_gamma(concentration.expand(rows, -1).contiguous(), generator=generator).clamp_min(1e-6)
    return gammas / gammas.sum(-1, keepdim=True)


def _entropy(p: Tensor) -> float:
    """-sum p log p in nats; a probability of zero adds nothing."""
    return -torch.xlogy(p, p).sum().item()

"""Attention small enough to be worked by hand: one query, a few keys and values, two numbers each.

Nothing here comes from a model: it is the example of the attention lesson, in which the query is an arrow that can be dragged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from rich.text import Text
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.blocks.attention import attend_by_hand
from headway.look.picture import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pair = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class ByHand(Picture):
    """One query against a few keys.

    Attributes:
        asks: The word that asks.
        query: What it asks for.
        words: The words that it may look at.
        keys: What each is found by.
        values: What each hands over.
        features: What the two numbers of a query and a key mean.
    """

    kind = "by_hand"

    asks: str
    query: Pair
    words: tuple[str, ...]
    keys: tuple[Pair, ...]
    values: tuple[Pair, ...]
    features: tuple[str, str]

    @property
    def scores(self) -> Float[Tensor, " s"]:
        """The dot product of the query with each key."""
        return torch.tensor(self.keys, dtype=torch.float64) @ torch.tensor(self.query, dtype=torch.float64)

    @property
    def weights(self) -> Float[Tensor, " s"]:
        """Each word's share; they add up to 1."""
        return self._attend(torch.eye(len(self.words), dtype=torch.float64))

    @property
    def result(self) -> Float[Tensor, " two"]:
        """The average of the values by these shares."""
        return self._attend(torch.tensor(self.values, dtype=torch.float64))

    def _attend(self, values: Tensor) -> Tensor:
        q, k = (torch.tensor(given, dtype=torch.float64) for given in ([self.query], self.keys))
        return attend_by_hand(q[None, None], k[None, None], values[None, None])[0, 0, 0]

    def lines(self, width: int = 100) -> list[Text]:
        """A line for each word: score, weight, value; then the result."""
        wide = max(map(len, self.words))
        found = [Text(f"{self.asks} asks for {_pair(self.query)}", "bold")]
        for word, score, weight, value in zip(self.words, self.scores, self.weights, self.values, strict=True):
            found.append(Text(f"{word:<{wide}}  score {score:5.2f}  weight {weight:4.0%}  hands over {_pair(value)}"))
        return [*found, Text(f"{self.asks} gets {_pair(self.result.tolist())}", "bold")]

    def draw(self, figure: Figure) -> None:
        """Queries and keys on the left, values and their average on the right."""
        left, right = figure.subplots(1, 2)
        for axis, arrows, title in ((left, self.keys, "query and keys"), (right, self.values, "values and result")):
            axis.set(xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), aspect="equal", title=title)
            for word, (x, y) in zip(self.words, arrows, strict=True):
                axis.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "->", "color": "#666"})
                axis.text(x, y, word, fontsize=8)
        x, y = self.query
        left.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "->", "color": "#2f6fc4", "linewidth": 2})
        left.text(x, y, self.asks, fontsize=8, color="#2f6fc4")
        right.plot(*self.result.tolist(), "o", color="#2f6fc4")


def by_hand(
    asks: str,
    query: Pair,
    keys: Mapping[str, Pair],
    values: Mapping[str, Pair],
    *,
    features: tuple[str, str] = ("first", "second"),
) -> ByHand:
    """Attention on numbers of your own, two for each query, key and value.

    Args:
        asks: The word whose query it is.
        query: Between -3 and 3 each, as the keys and values, so that all are seen.
        keys: Word -> what it is found by.
        values: Word -> what it hands over.
        features: What the two numbers of queries and keys mean.

    Raises:
        HeadwayError: keys and values are not of the same words.
    """
    if list(keys) != list(values):
        raise HeadwayError("keys and values have to be of the same words, in the same order.")
    return ByHand(
        title=f"attention by hand: {asks}",
        asks=asks,
        query=query,
        words=tuple(keys),
        keys=tuple(keys.values()),
        values=tuple(values.values()),
        features=features,
    )


def _pair(pair: Pair | list[float]) -> str:
    return f"({pair[0]:.2f}, {pair[1]:.2f})"

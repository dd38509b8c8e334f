"""What a recurrent model remembers: a state of fixed size per layer, however long the text.

The law is the one of every cache: feeding a sequence through it in any cuts gives the logits of feeding it whole, left and
right padding included. Padding is sorted out once per call: `sort_padding` moves the real tokens of every row to its front,
so that a layer only has to know how many of them there are, and `Real.restore` moves its answers back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from headway.base.errors import HeadwayError


class RecurrentCache:
    """The states of every layer for `batch` rows: nothing grows, and nothing can be taken back.

    Args:
        layers: For each layer, the names of its states and their shapes without the batch.
        batch: Rows.
        dtype, device: Of the states.

    A layer reads its states, works out the next ones and hands them to `write`. They take effect together, by `advance`,
    the last thing a model does in a call: a call that fails half-way leaves the conversation as it was. What is kept is
    detached: gradients do not flow from one call into the one before.
    """

    def __init__(
        self,
        layers: Sequence[Mapping[str, tuple[int, ...]]],
        batch: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ):
        if batch < 1:
            raise HeadwayError(f"a cache needs at least one row, not {batch}")
        self.batch = batch
        self.length = 0
        self.seen: Int[Tensor, " b"] = torch.zeros(batch, dtype=torch.long, device=device)  # real tokens of each row
        self._now = [
            {name: torch.zeros(batch, *shape, dtype=dtype, device=device) for name, shape in states.items()}
            for states in layers
        ]
        self._next: list[dict[str, Tensor] | None] = [None] * len(self._now)

    @property
    def nbytes(self) -> int:
        """Bytes held: the same after any number of tokens."""
        return sum(state.nbytes for states in self._now for state in states.values())

    def read(self, layer: int) -> dict[str, Tensor]:
        """The states of a layer after the columns seen so far."""
        return self._now[layer]

    def write(self, layer: int, **states: Tensor) -> None:
        """The states of a layer after the columns of this call."""
        now = self._now[layer]
        assert states.keys() == now.keys()
        assert all(states[name].shape == now[name].shape for name in states)
        self._next[layer] = {name: state.detach().to(now[name].dtype) for name, state in states.items()}

    def advance(self, t: int, lengths: Int[Tensor, " b"] | None = None) -> None:
        """Count `t` columns as seen, `lengths` of them real (None for all), and let the new states take effect."""
        assert all(states is not None for states in self._next)
        self._now = [states for states in self._next if states is not None]
        self._next = [None] * len(self._now)
        self.length += t
        self.seen = self.seen + (t if lengths is None else lengths)

    def rewind(self, n: int) -> None:
        """Refused for any `n` but 0: what a state has forgotten, it cannot tell.

        Raises:
            HeadwayError: always, unless `n` is 0.
        """
        if n:
            raise HeadwayError(
                f"a recurrent state cannot forget its last {n} tokens: it is a summary that keeps no single token. "
                "Start a new cache from the beginning of the text, or keep a copy() from before."
            )

    def select(self, rows: Int[Tensor, " n"]) -> None:
        """Keep `rows` of the batch, in that order, repeats allowed (beam search; finished rows dropped)."""
        self._now = [{name: state[rows] for name, state in states.items()} for states in self._now]
        self.seen = self.seen[rows]
        self.batch = len(rows)

    def copy(self) -> Self:
        """Another cache in the same state: what to go back to, instead of `rewind`."""
        other = object.__new__(type(self))
        other.batch, other.length, other.seen = self.batch, self.length, self.seen
        other._now = [dict(states) for states in self._now]  # states are replaced, never written into
        other._next = [None] * len(self._now)
        return other


@dataclass(frozen=True)
class Real:
    """Which columns of a call hold real tokens, after `sort_padding` moved them to the front; None for all.

    Attributes:
        lengths: Real tokens of each row.
        mask: (b, t), True at the first `lengths` columns.
        came_from: Column that each column came from.
    """

    lengths: Int[Tensor, " b"] | None = None
    mask: Bool[Tensor, "b t"] | None = None
    came_from: Int[Tensor, "b t"] | None = None

    def restore(self, x: Shaped[Tensor, "b t *d"]) -> Shaped[Tensor, "b t *d"]:
        """Put every column back where it came from."""
        if self.came_from is None:
            return x
        return x.gather(1, self.came_from.argsort(1)[..., None].expand_as(x))


def sort_padding(
    tokens: Int[Tensor, "b t"], cache: RecurrentCache | None, mask: Bool[Tensor, "b t"] | None
) -> tuple[Int[Tensor, "b t"], Real]:
    """`tokens` with the real ones of each row in front, in their order, and how to go back.

    Raises:
        HeadwayError: if `mask` is not a boolean (b, t), or the batch is not the cache's.
    """
    b, t = tokens.shape
    if cache is not None and cache.batch != b:
        raise HeadwayError(f"the cache was made for a batch of {cache.batch}, and this one has {b} rows")
    if mask is None:
        return tokens, Real()
    if mask.shape != (b, t) or mask.dtype != torch.bool:
        raise HeadwayError(
            f"mask must be a boolean ({b}, {t}), True at real tokens; this one is {mask.dtype} {tuple(mask.shape)}"
        )
    if bool(mask.all()):
        return tokens, Real()
    lengths = mask.sum(1)
    came_from = (~mask).to(torch.int8).argsort(dim=1, stable=True)
    front = torch.arange(t, device=tokens.device) < lengths[:, None]
    return tokens.gather(1, came_from), Real(lengths, front, came_from)

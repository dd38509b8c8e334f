"""The cache of a recurrent model: a state of fixed size per layer, however long the text.

The law is the one of every cache: feeding a sequence through it in any cuts gives the logits of feeding it whole, left and
right padding included. Padding is sorted out once per call: `sort_padding` moves the real tokens of every row to its front,
so that a layer only has to know how many of them there are, and `Real.restore` moves its answers back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from headway.base.errors import HeadwayError


class LayerState:
    """The states of one layer: what a block is handed of a `RecurrentCache`.

    Args:
        states: By name, (b, ...), before any token.
    """

    def __init__(self, states: dict[str, Tensor]):
        self.states = states
        self.next: dict[str, Tensor] | None = None

    def read(self) -> dict[str, Tensor]:
        """The states after the columns seen so far."""
        return self.states

    def write(self, **states: Tensor) -> None:
        """The states after the columns of this call; they take effect by `RecurrentCache.advance`."""
        now = self.states
        assert states.keys() == now.keys()
        assert all(states[name].shape == now[name].shape for name in states)
        self.next = {name: state.detach().to(now[name].dtype) for name, state in states.items()}


class RecurrentCache:
    """The states of every layer for `batch` rows; iterated, its layers in their order. Nothing grows or can be taken back.

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
        self.layers = [
            LayerState({name: torch.zeros(batch, *shape, dtype=dtype, device=device) for name, shape in states.items()})
            for states in layers
        ]

    def __iter__(self) -> Iterator[LayerState]:
        return iter(self.layers)

    @property
    def nbytes(self) -> int:
        """Bytes held: the same after any number of tokens."""
        return sum(state.nbytes for layer in self.layers for state in layer.states.values())

    def advance(self, t: int, lengths: Int[Tensor, " b"] | None = None) -> None:
        """Count `t` columns as seen, `lengths` of them real (None for all), and let the new states take effect."""
        assert all(layer.next is not None for layer in self.layers)
        for layer in self.layers:
            layer.states, layer.next = layer.next or {}, None
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
        for layer in self.layers:
            layer.states = {name: state[rows] for name, state in layer.states.items()}
        self.seen = self.seen[rows]
        self.batch = len(rows)

    def copy(self) -> Self:
        """Another cache in the same state: what to go back to, instead of `rewind`."""
        other = object.__new__(type(self))
        other.batch, other.length, other.seen = self.batch, self.length, self.seen
        other.layers = [
            LayerState(dict(layer.states)) for layer in self.layers
        ]  # states are replaced, never written into
        return other


@dataclass(frozen=True)
class Real:
    """Which columns of a call hold real tokens, after `sort_padding` moved them to the front; None for all.

    Attributes:
        lengths: Real tokens of each row.
        mask: (b, t), True at the first `lengths` columns.
        came_from: Column that each column came from.
        before: Real tokens of each row before this call; None without a cache.
    """

    lengths: Int[Tensor, " b"] | None = None
    mask: Bool[Tensor, "b t"] | None = None
    came_from: Int[Tensor, "b t"] | None = None
    before: Int[Tensor, " b"] | None = None

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
    before = None if cache is None else cache.seen
    if mask is None:
        return tokens, Real(before=before)
    if mask.shape != (b, t) or mask.dtype != torch.bool:
        raise HeadwayError(
            f"mask must be a boolean ({b}, {t}), True at real tokens; this one is {mask.dtype} {tuple(mask.shape)}"
        )
    if bool(mask.all()):
        return tokens, Real(before=before)
    lengths = mask.sum(1)
    came_from = (~mask).to(torch.int8).argsort(dim=1, stable=True)
    front = torch.arange(t, device=tokens.device) < lengths[:, None]
    return tokens.gather(1, came_from), Real(lengths, front, came_from, before)

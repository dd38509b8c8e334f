"""Cross-attention's cache: the keys and values of a source, computed once and kept beside the decoder's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.blocks.cache import KVCache
from headway.blocks.cache_state import RecurrentCache

Pair = tuple[Float[Tensor, "b h s k"], Float[Tensor, "b h s k"]]
"""Keys and values of a source for one decoder layer."""


@dataclass(frozen=True)
class Memory:
    """The keys and values of a source for each decoder layer, and which of its places are real.

    Attributes:
        pairs: Per layer, keys and values (b, h, s, k); what a recurrent decoder looks at has no heads, (b, s, k).
        mask: (b, 1, 1, s), True where a query may look; None for everywhere.
    """

    pairs: Sequence[Pair]
    mask: Bool[Tensor, "b 1 1 s"] | None = None


class Remembers:
    """What a cache of a decoder with a source has besides its own past: the `Memory` of that source.

    The first call with a source fills it. Later calls leave the source out or give the same one again; another source is
    an error, because the answer would silently be about the first.
    """

    memory: Memory | None = None
    source: Tensor | None = None
    source_mask: Tensor | None = None

    def keep(self, memory: Memory, source: Tensor, source_mask: Tensor | None) -> Memory:
        """Remember `memory`, and which source it is of."""
        self.memory, self.source, self.source_mask = memory, source, source_mask
        return memory

    def check(self, source: Tensor | None, source_mask: Tensor | None) -> None:
        """Complain if the memory is of another source than `source` (None: the one there was)."""
        for new, old in ((source, self.source), (source_mask, self.source_mask)):
            if new is None or new is old:
                continue
            if old is None and new.dtype == torch.bool and bool(new.all()):
                continue
            if old is None or new.shape != old.shape or not torch.equal(new, old):
                raise HeadwayError("this cache belongs to another source: start a new one with new_cache(batch, room)")

    def select_memory(self, rows: Int[Tensor, " n"]) -> None:
        """Keep `rows` of the source."""
        if self.memory is not None:
            pairs = [(k[rows], v[rows]) for k, v in self.memory.pairs]
            self.memory = Memory(pairs, None if self.memory.mask is None else self.memory.mask[rows])
            self.source = None if self.source is None else self.source[rows]
            self.source_mask = None if self.source_mask is None else self.source_mask[rows]

    @property
    def memory_nbytes(self) -> int:
        """Bytes of the source's keys and values, which come with the first call."""
        pairs = () if self.memory is None else self.memory.pairs
        return sum(tensor.nbytes for pair in pairs for tensor in pair)


class CrossCache(Remembers, KVCache):
    """Keys and values of the decoder's own tokens, and the source's."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return super().nbytes + self.memory_nbytes

    def select(self, rows: Int[Tensor, " n"]) -> None:
        """Keep `rows` of the batch, in that order, repeats allowed."""
        super().select(rows)
        self.select_memory(rows)


class CrossState(Remembers, RecurrentCache):
    """The state of a recurrent decoder, and the source it looks at."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return super().nbytes + self.memory_nbytes

    def select(self, rows: Int[Tensor, " n"]) -> None:
        """Keep `rows` of the batch, in that order, repeats allowed."""
        super().select(rows)
        self.select_memory(rows)

    def copy(self) -> CrossState:
        """Another cache in the same state, about the same source."""
        other = super().copy()
        other.memory, other.source, other.source_mask = self.memory, self.source, self.source_mask
        return other


def memory_of(
    source: Tensor | None,
    source_mask: Tensor | None,
    cache: Remembers | None,
    make: Callable[[Tensor, Tensor | None], Memory],
) -> Memory:
    """The memory in the cache; where there is none yet, `make(source, source_mask)`, which the cache then keeps.

    Raises:
        HeadwayError: if the cache's memory is of another source, or if there is neither a source nor a memory.
    """
    if cache is not None and cache.memory is not None:
        cache.check(source, source_mask)
        return cache.memory
    if source is None:
        raise HeadwayError(
            "no source was given: it can be left out only where the cache holds the keys and values of one"
        )
    memory = make(source, source_mask)
    return memory if cache is None else cache.keep(memory, source, source_mask)

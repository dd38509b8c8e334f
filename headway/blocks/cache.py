"""The key/value cache of a conversation: preallocated, and cut to a window where a layer attends no further.

A cache belongs to a conversation, not to a module. The law every model keeps: feeding a sequence through a cache in any
cuts gives the logits of feeding it whole. Left padding is part of the law: the cache remembers which columns were real.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.blocks.documents import documents_now, positions_in_documents
from headway.blocks.masks import causal_mask, window_mask

SLACK = 64
"""Columns a windowed layer holds beyond its window: how far `rewind` can go back once the window has slid."""


@dataclass
class Columns:
    """How many columns a conversation has, and how many it may have; all layers of its cache share this one object.

    Attributes:
        room: The most columns, padding included.
        seen: Those counted by `KVCache.advance`.
    """

    room: int
    seen: int = 0


class LayerCache:
    """Keys and values of one layer: what a block is handed of a `KVCache`.

    Args:
        columns: Of the conversation.
        window: How many columns the layer can look back (its own included), None for all.
        k, v: Room for keys (b, g, n, k) and values (b, g, n, w).

    A layer with a window keeps a stretch of `window + SLACK` columns at the most. The stretch is contiguous: when it is
    full, its newest part is moved to the front. So what a layer reads is always one slice, in the order of time.
    """

    def __init__(self, columns: Columns, window: int | None, k: Tensor, v: Tensor):
        self.columns, self.window, self.k, self.v = columns, window, k, v
        self.first = 0  # the column that lies at the front of the stretch

    def extend(
        self, k: Float[Tensor, "b g t k"], v: Float[Tensor, "b g t w"]
    ) -> tuple[Float[Tensor, "b g s k"], Float[Tensor, "b g s w"]]:
        """Remember the keys and values of `t` new columns; return those of all columns some new query can see.

        What comes back ends with the new columns. They count as seen only after `KVCache.advance`, once per call of the
        model, so a call that fails half-way leaves the conversation as it was (unless a window had to slide, which the next
        call says).
        """
        t, past, room = k.shape[2], self.columns.seen, self.columns.room
        if past + t > room:
            raise HeadwayError(
                f"the cache has room for {room} tokens and {past} are in it: {t} more do not fit. "
                f"Ask for more with new_cache(batch, room={past + t})."
            )
        reach = past if self.window is None else min(past, self.window - 1)  # old columns that the first new query sees
        at, size = past - self.first, self.k.shape[2]  # where the new columns go in the stretch
        if at < reach:
            raise HeadwayError("an earlier call failed half-way and this cache lost its past: start a new one")
        if at + t > size:
            # Full: keep what can still be seen and, where it fits, half of the slack for `rewind`.
            keep = max(reach, min(at, reach + SLACK // 2, size - t))
            if keep + t > size:
                return self._slide_past(k, v, reach, at)
            for stretch in (self.k, self.v):
                stretch[:, :, :keep] = stretch[:, :, at - keep : at].clone()
            self.first, at = past - keep, keep
        self.k[:, :, at : at + t] = k
        self.v[:, :, at : at + t] = v
        return self.k[:, :, at - reach : at + t], self.v[:, :, at - reach : at + t]

    def _slide_past(self, k: Tensor, v: Tensor, reach: int, at: int) -> tuple[Tensor, Tensor]:
        """More new columns than the stretch holds (a long prompt): answer from a joined copy, keep its end."""
        joined = []
        for stretch, new in ((self.k, k), (self.v, v)):
            whole = torch.cat((stretch[:, :, at - reach : at], new.to(stretch.dtype)), dim=2)
            stretch.copy_(whole[:, :, -stretch.shape[2] :])
            joined.append(whole)
        self.first = self.columns.seen + k.shape[2] - self.k.shape[2]
        return joined[0], joined[1]


class KVCache:
    """Keys and values of every layer for `batch` rows and up to `room` columns; iterated, its layers in their order.

    Args:
        windows: One entry per layer: how many columns the layer can look back (its own included), None for all.
        batch: Rows.
        n_group: Key/value heads, for all layers, or one number per layer.
        head_width: Width of a key and of a value (a pair of numbers where they differ).
        room: The most columns, padding included.
        dtype, device: Of keys and values.
    """

    def __init__(
        self,
        windows: Sequence[int | None],
        batch: int,
        n_group: int | Sequence[int],
        head_width: int | tuple[int, int],
        room: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ):
        if room < 1:
            raise HeadwayError(f"a cache needs room for at least one token, not {room}")
        self.columns = Columns(room)
        self.real: Bool[Tensor, "b s"] | None = None
        groups = [n_group] * len(windows) if isinstance(n_group, int) else list(n_group)
        widths = (head_width, head_width) if isinstance(head_width, int) else head_width
        self.layers: list[LayerCache] = []
        for window, g in zip(windows, groups, strict=True):
            n = room if window is None else min(room, window + SLACK)
            k, v = (torch.empty(batch, g, n, width, dtype=dtype, device=device) for width in widths)
            self.layers.append(LayerCache(self.columns, window, k, v))

    def __iter__(self) -> Iterator[LayerCache]:
        return iter(self.layers)

    @property
    def room(self) -> int:
        """The most columns, padding included."""
        return self.columns.room

    @property
    def length(self) -> int:
        """Columns seen so far, padding included."""
        return self.columns.seen

    @property
    def batch(self) -> int:
        """Rows."""
        return self.layers[0].k.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes held, all of them allocated from the start."""
        return sum(layer.k.nbytes + layer.v.nbytes for layer in self.layers)

    def advance(self, t: int) -> None:
        """Count `t` columns as seen: the last thing a model does with the cache in a call."""
        self.columns.seen += t

    def rewind(self, n: int) -> None:
        """Forget the newest `n` columns (a rejected speculation, an edited prompt).

        Raises:
            HeadwayError: if `n` is more than there is, or if a window has slid so far that what it would have to look
                at again is gone.
        """
        if not 0 <= n <= self.length:
            raise HeadwayError(f"the cache holds {self.length} tokens: it cannot forget {n}")
        back = self.length - n
        for layer in self.layers:
            if layer.window is not None and max(0, back - layer.window + 1) < layer.first:
                raise HeadwayError(
                    f"a window of {layer.window} has slid on and what it saw {n} tokens ago is gone: "
                    "start a new cache from the beginning of the text"
                )
        self.columns.seen = back

    def select(self, rows: Int[Tensor, " n"]) -> None:
        """Keep `rows` of the batch, in that order, repeats allowed (beam search; finished rows dropped)."""
        for layer in self.layers:
            layer.k, layer.v = layer.k[rows], layer.v[rows]
        if self.real is not None:
            self.real = self.real[rows]

    def note_real(self, mask: Bool[Tensor, "b t"] | None, t: int) -> Bool[Tensor, "b s"] | None:
        """Remember which of the next `t` columns are real tokens; return that of all columns, None if all are."""
        if mask is None and self.real is None:
            return None
        if self.real is None:
            assert mask is not None
            self.real = torch.ones(self.batch, self.room, dtype=torch.bool, device=mask.device)
        end = self.length + t
        if end <= self.room:  # otherwise `extend` refuses, with the better message
            self.real[:, self.length : end] = True if mask is None else mask
        return self.real[:, :end]


@dataclass
class Span:
    """Where the tokens of one call stand: worked out once per call, read by every layer.

    Attributes:
        past: Columns before this call.
        t: Columns of this call.
        positions: Each query's position, counted over real tokens, so that padding changes nothing: (1, t) or (b, t).
        real: Which of the `past + t` columns are real tokens; None if all are.
        documents: Which text of a packed row each token belongs to; None if every row is one text.
    """

    past: int
    t: int
    positions: Int[Tensor, "#b t"]
    real: Bool[Tensor, "b s"] | None = None
    documents: Int[Tensor, "b t"] | None = None
    _masks: dict[tuple[int, int | None], Tensor | None] = field(default_factory=dict, repr=False)

    def mask(self, s: int, window: int | None = None) -> Bool[Tensor, "#b 1 t s"] | None:
        """What the queries may see of the newest `s` columns: for `attend(..., mask, causal=mask is None)`.

        None means plainly causal, which fused kernels do without a mask. A padding query sees itself, because a query
        that sees nothing has no softmax; no real token ever sees it.
        """
        key = (s, window)
        if key not in self._masks:
            self._masks[key] = self._make_mask(s, window)
        return self._masks[key]

    def _make_mask(self, s: int, window: int | None) -> Tensor | None:
        narrow = window is not None and s > window
        if self.real is None and self.documents is None and not narrow and (self.t in (1, s)):
            return None
        device = self.positions.device
        seen = causal_mask(self.t, s, device=device)
        if window is not None and narrow:
            seen = window_mask(self.t, s, window=window, device=device)
        if self.documents is not None:
            return (seen & (self.documents[:, :, None] == self.documents[:, None, :]))[:, None]
        if self.real is None:
            return seen[None, None]
        itself = torch.eye(s, dtype=torch.bool, device=device)[s - self.t :]
        return (seen & (self.real[:, None, self.real.shape[1] - s :] | itself))[:, None]


def locate(
    tokens: Shaped[Tensor, "b t *d"], cache: KVCache | None = None, mask: Bool[Tensor, "b t"] | None = None
) -> Span:
    """Work out where `tokens` stand, given what the cache has seen and which of them are real (`mask`, None for all).

    Only the first two axes of `tokens` are looked at, so embeddings do as well as ids. Inside `documents.apart`, every row
    is several texts, each with positions of its own and blind to the others.

    Raises:
        HeadwayError: if `mask` is not a boolean (b, t), or the batch is not the cache's.
    """
    b, t = tokens.shape[:2]
    if cache is not None and cache.batch != b:
        raise HeadwayError(f"the cache was made for a batch of {cache.batch}, and this one has {b} rows")
    if mask is not None:
        if mask.shape != (b, t) or mask.dtype != torch.bool:
            raise HeadwayError(
                f"mask must be a boolean ({b}, {t}), True at real tokens; this one is {mask.dtype} {tuple(mask.shape)}"
            )
        if bool(mask.all()):
            mask = None
    if (documents := documents_now(tokens, cache, mask)) is not None:
        return Span(0, t, positions_in_documents(documents), documents=documents)
    past = cache.length if cache is not None else 0
    real = cache.note_real(mask, t) if cache is not None else mask
    if real is None:
        return Span(past, t, torch.arange(past, past + t, device=tokens.device)[None])
    positions = (real.long().cumsum(-1) - 1).clamp(min=0)[:, past:]
    return Span(past, t, positions, real)

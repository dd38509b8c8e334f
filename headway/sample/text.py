"""Text as it comes: ids to characters, stop strings, and what it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch

from headway.base.errors import HeadwayError
from headway.sample.filters import GREEDY, Sampling
from headway.sample.generate import Generated, Until, generate


class IdDecoder(Protocol):
    """What ids are turned into text by (`headway.tokens`)."""

    def push(self, id: int) -> str: ...
    def close(self) -> str: ...


class StopStrings:
    """Lets text through until one of the `stops` is complete; neither that nor what follows comes out.

    What could still become a stop is held back. However the text is cut into pieces, the same comes out.
    """

    def __init__(self, stops: Sequence[str] = ()):
        if not all(stops):
            raise HeadwayError("a stop string is at least one character long.")
        self._stops = tuple(stops)
        self._held = ""
        self.met: str | None = None

    def push(self, piece: str) -> str:
        """What may come out now that `piece` has arrived; sets `met` where a stop is complete."""
        if self.met is not None:
            return ""
        self._held += piece
        found = [(at + len(stop), at, stop) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            # The first to be complete; of two that end together, the longer, which began earlier.
            _, at, self.met = min(found)
            out, self._held = self._held[:at], ""
            return out
        keep = max((_overlap(self._held, stop) for stop in self._stops), default=0)
        cut = len(self._held) - keep
        out, self._held = self._held[:cut], self._held[cut:]
        return out

    def close(self) -> str:
        """What was held back and did not become a stop."""
        out, self._held = self._held, ""
        return out


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop` (and is not all of it)."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)


class Reply(Iterator[str]):
    """A text in the making, piece by piece, and what it took. Whoever breaks off (Ctrl-C) has what there is.

    Attributes:
        text, ids: What has come so far.
        prompt: Tokens the model had read before, those from an earlier turn included.
        first: Seconds until the first token; None before it.
        seconds: Seconds so far.
        cache_bytes: Size of the cache.
        ended: ``stop``, ``length``, ``context``, or None while it runs (or was interrupted).
    """

    def __init__(self, pieces: Iterator[str] | None = None):
        self.text = ""
        self.ids: list[int] = []
        self.prompt = 0
        self.first: float | None = None
        self.seconds = 0.0
        self.cache_bytes = 0
        self.ended: str | None = None
        self.pieces = iter(()) if pieces is None else pieces
        self.at_end: Callable[[], None] = lambda: None

    def __next__(self) -> str:
        try:
            return next(self.pieces)
        except BaseException:
            self.close()
            raise

    def read(self) -> str:
        """All of the text, waiting for what has not come yet."""
        for _ in self:
            pass
        return self.text

    def close(self) -> None:
        """Nothing more is to come. Whoever made it is told once, however it ended."""
        at_end, self.at_end, self.pieces = self.at_end, lambda: None, iter(())
        at_end()

    @property
    def rate(self) -> float | None:
        """Tokens a second after the first one (which waits for the prompt); None before there are two."""
        if self.first is None or len(self.ids) < 2 or self.seconds <= self.first:
            return None
        return (len(self.ids) - 1) / (self.seconds - self.first)


def reply(
    model: Any,
    decoder: IdDecoder,
    ids: Sequence[int],
    *,
    until: Until,
    sampling: Sampling = GREEDY,
    generator: torch.Generator | None = None,
    cache: Any = None,
) -> Reply:
    """The continuation of `ids` in pieces of text, ending before a stop id or a stop string.

    Args:
        model: A decoder, or `Conditioned`.
        decoder: What turns ids into text as they come.
        ids: The prompt; with a `cache` that holds the conversation so far, those that come after it.
        until, sampling, generator, cache: As in `generate`.
    """
    said, gate = Reply(), StopStrings(until.stops)
    device = next(model.parameters()).device
    begun = time.perf_counter()
    tokens = torch.tensor([list(ids)], dtype=torch.long, device=device)
    steps = generate(model, tokens, until=until, sampling=sampling, generator=generator, cache=cache)
    said.prompt, said.cache_bytes = steps.prompt, steps.cache_bytes
    said.pieces = _pieces(steps, decoder, gate, said, frozenset(until.stop_ids), begun)
    return said


def _pieces(
    steps: Generated, decoder: IdDecoder, gate: StopStrings, said: Reply, stop_ids: frozenset[int], begun: float
) -> Iterator[str]:
    for chosen in steps:
        id = int(chosen[0])
        now = time.perf_counter() - begun
        said.seconds, said.first = now, now if said.first is None else said.first
        said.ids.append(id)
        if id not in stop_ids and (piece := gate.push(decoder.push(id))):
            said.text += piece
            yield piece
        if gate.met is not None:
            said.ended = "stop"
            return
    said.ended = steps.ended
    for piece in (gate.push(decoder.close()), gate.close()):
        if piece:
            said.text += piece
            yield piece
    if gate.met is not None:
        said.ended = "stop"

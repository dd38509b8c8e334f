"""Text as it comes: ids to characters, stop strings, and what it took."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import nn

from headway.base.errors import HeadwayError
from headway.sample.filters import GREEDY, Sampling
from headway.sample.generate import Facts, Forward, generate


class Decoder(Protocol):
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


@dataclass
class Reply:
    """A text in the making, and what it took.

    Attributes:
        text, ids: What has come out so far.
        prompt: Tokens the model had read before, those from an earlier turn included.
        first: Seconds until the first token; None before it.
        seconds: Seconds so far.
        cache_bytes: Size of the cache.
        ended: ``stop``, ``length``, ``context``, or None while it runs (or was interrupted).
    """

    text: str = ""
    ids: list[int] = field(default_factory=list)
    prompt: int = 0
    first: float | None = None
    seconds: float = 0.0
    cache_bytes: int = 0
    ended: str | None = None

    @property
    def rate(self) -> float | None:
        """Tokens a second after the first one (which waits for the prompt); None before there are two."""
        if self.first is None or len(self.ids) < 2 or self.seconds <= self.first:
            return None
        return (len(self.ids) - 1) / (self.seconds - self.first)

    def line(self) -> str:
        """What `headway run` says at the end."""
        if self.first is None:
            return "no token came"
        rate = f"{self.rate:.1f} tokens/s" if self.rate else "1 token"
        why = {"length": ", cut at --max-tokens", "context": ", cut where the model's context ends"}.get(
            self.ended or "", ""
        )
        return (
            f"{len(self.ids)} tokens at {rate}, first after {self.first:.2f} s ({self.prompt} tokens read), "
            f"cache {self.cache_bytes / 1e6:.1f} MB{why}"
        )


def reply(
    model: nn.Module,
    decoder: Decoder,
    ids: Sequence[int],
    *,
    max_tokens: int,
    sampling: Sampling = GREEDY,
    stop_ids: Collection[int] = (),
    stops: Sequence[str] = (),
    generator: torch.Generator | None = None,
    cache: Any = None,
    into: Reply | None = None,
    forward: Forward | None = None,
) -> Iterator[str]:
    """Yield the continuation of `ids` in pieces of text, ending before a stop id or a stop string.

    `into` is kept up to date at every moment, so that whoever breaks off (Ctrl-C) has what there is. With a `cache` that
    holds the conversation so far, `ids` are those that come after it. `forward` is how the model is called, where that is not
    as a plain decoder.
    """
    into = Reply() if into is None else into
    gate, facts = StopStrings(stops), Facts()
    device = next(model.parameters()).device
    begun = time.perf_counter()
    tokens = torch.tensor([list(ids)], dtype=torch.long, device=device)
    steps = generate(
        model,
        tokens,
        max_tokens=max_tokens,
        sampling=sampling,
        stop_ids=stop_ids,
        generator=generator,
        cache=cache,
        forward=forward,
        facts=facts,
    )
    into.prompt, into.cache_bytes = facts.prompt, facts.cache_bytes
    return _pieces(steps, decoder, gate, facts, into, frozenset(stop_ids), begun)


def _pieces(steps, decoder, gate, facts, into, stop_ids, begun):
    for chosen in steps:
        id = int(chosen[0])
        now = time.perf_counter() - begun
        into.seconds, into.first = now, now if into.first is None else into.first
        into.ids.append(id)
        if id not in stop_ids and (piece := gate.push(decoder.push(id))):
            into.text += piece
            yield piece
        if gate.met is not None:
            into.ended = "stop"
            return
    into.ended = facts.ended
    for piece in (gate.push(decoder.close()), gate.close()):
        if piece:
            into.text += piece
            yield piece
    if gate.met is not None:
        into.ended = "stop"

"""A conversation with a model that chats: what was said, and a cache that is not read twice."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import torch

from headway.base.errors import HeadwayError, OutOfContext
from headway.sample.filters import GREEDY, Sampling
from headway.sample.generate import Until
from headway.sample.text import Reply, reply
from headway.tokens.tokenizer import Tokenizer


class Conversation:
    """Turns of a user and the model, in the words of the checkpoint's chat template.

    Each turn feeds the model only what its cache has not seen: the longest common beginning of the old ids and the new
    ones is kept (`rewind`), whatever the template does to earlier turns.

    Attributes:
        messages: ``{"role": ..., "content": ...}``, oldest first.
    """

    def __init__(self, model: Any, tokenizer: Tokenizer, *, system: str | None = None):
        self.model, self.tokenizer, self.system = model, tokenizer, system
        self.messages: list[dict[str, str]] = []
        self.reset()

    def reset(self) -> None:
        """Forget everything but the system's message."""
        self._open = Reply()  # the answer that is being given
        self.messages = [] if self.system is None else [{"role": "system", "content": self.system}]
        self._ids: list[int] = []  # those the cache has seen
        self._cache: Any = None

    def say(
        self,
        text: str,
        *,
        until: Until,
        sampling: Sampling = GREEDY,
        generator: torch.Generator | None = None,
    ) -> Reply:
        """Say `text`; the answer comes in pieces. It also ends with what the checkpoint ends a turn with.

        Whoever stops iterating (Ctrl-C) keeps what has come so far as the answer; a turn of which nothing came is as if it
        had not been. Raises `OutOfContext` at once where the conversation outgrows the model's context.
        """
        self._open.close()
        messages = [*self.messages, {"role": "user", "content": text}]
        ids = self.tokenizer.encode_chat(messages)
        context = getattr(self.model.config, "context", None)
        if context is not None and len(ids) > context:
            mend = f"leave out {len(ids) - context} or more" if len(messages) < 3 else "begin a new one"
            raise OutOfContext(
                f"this conversation is {len(ids)} tokens long, and the model reads at most {context}: {mend}."
            )
        fresh = self._prepare(ids, until.max_tokens, context)
        said = reply(
            self.model,
            self.tokenizer.stream(),
            ids[len(ids) - fresh :],
            until=replace(until, stop_ids={*until.stop_ids, *self.tokenizer.stop_ids}),
            sampling=sampling,
            generator=generator,
            cache=self._cache,
        )
        said.at_end = lambda: self._keep(messages, ids, said)
        self._open = said
        return said

    def _prepare(self, ids: list[int], max_tokens: int, context: int | None) -> int:
        """Make the cache end where `ids` go on; return how many of them are new to it."""
        need = len(ids) + max_tokens
        if context is not None:
            need = min(need, context)
        if self._cache is not None and self._cache.room >= need:
            same = sum(
                1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(self._ids, ids, strict=False))
            )
            same = min(same, len(ids) - 1)  # the model must read something to say something
            try:
                self._cache.rewind(self._cache.length - same)
                self._ids = self._ids[:same]
                return len(ids) - same
            except HeadwayError:
                pass  # a window has slid on, or a state cannot be undone: read it all again
        room = need if self._cache is None else max(need, 2 * self._cache.room)
        self._ids = []
        self._cache = self.model.new_cache(1, room if context is None else min(room, context))
        return len(ids)

    def _keep(self, messages: list[dict[str, str]], ids: list[int], said: Reply) -> None:
        """A turn is over: remember what the cache has seen, and what was said."""
        self._ids = [*ids, *said.ids][: self._cache.length]
        if said.ids:
            self.messages = [*messages, {"role": "assistant", "content": said.text}]

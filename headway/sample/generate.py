"""Tokens, one after the other: a preallocated cache, one forward pass per token, ids as they come."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.sample.filters import GREEDY, Sampling

Step = Callable[[Tensor, Any, Tensor | None], Tensor]
"""(tokens, cache, mask) -> logits at the last token, (b, v)."""


@dataclass(frozen=True, kw_only=True)
class Until:
    """When a text ends.

    Attributes:
        max_tokens: The most tokens to come; fewer where the model's context ends before.
        stop_ids: A row that yields one of these is done.
        stops: The text ends before the first of these strings (`headway.sample.text`; ids know nothing of strings).
        pad: What a row that is done yields while others go on.
    """

    max_tokens: int
    stop_ids: Collection[int] = ()
    stops: Sequence[str] = ()
    pad: int = 0


@dataclass(frozen=True)
class Conditioned:
    """A model whose other input (a source, a sound, pictures) is given already, so that it goes on like a decoder.

    Attributes:
        model: Whose cache it is.
        step: How it is called.
        context: The most tokens it reads; None where the caller keeps to that.
    """

    model: Any
    step: Step
    context: int | None = None

    def new_cache(self, batch: int, room: int) -> Any:
        return self.model.new_cache(batch, room)

    def parameters(self) -> Iterator[Tensor]:
        return self.model.parameters()


class Generated(Iterator[Tensor]):
    """The tokens of every row, step by step, (b,) each; nothing is computed before it is asked for.

    Attributes:
        prompt: Columns of the prompt, those in the cache before included.
        tokens: Tokens generated so far, per row.
        cache_bytes: What the cache holds, all of it allocated beforehand.
        ended: Why it ended: ``stop``, ``length`` (max_tokens) or ``context`` (the model's own limit); None while it runs.
    """

    def __init__(self, prompt: int, cache_bytes: int):
        self.prompt, self.cache_bytes = prompt, cache_bytes
        self.tokens = 0
        self.ended: str | None = None
        self.steps: Iterator[Tensor] = iter(())

    def __next__(self) -> Int[Tensor, " b"]:
        return next(self.steps)


def generate(
    model: Any,
    tokens: Int[Tensor, "b t"],
    *,
    until: Until,
    sampling: Sampling = GREEDY,
    generator: torch.Generator | Sequence[torch.Generator] | None = None,
    mask: Bool[Tensor, "b t"] | None = None,
    cache: Any = None,
) -> Generated:
    """Yield the next token of every row until each has met a stop id, or there are `until.max_tokens` of them.

    Args:
        model: A decoder (``logits = model(tokens, cache, mask=mask)``, ``model.new_cache(batch, room)``), or `Conditioned`.
        tokens: The prompt; rows of different lengths are padded on the left (`left_pad`).
        until: When it ends.
        sampling: How a token is chosen.
        generator: For sampling: one for all rows, or one per row; PyTorch's own if None.
        mask: True at real tokens of the prompt, None if all are.
        cache: One that holds the beginning of this conversation already (`tokens` come after it), with room for the rest;
            a new one if None.

    Raises:
        HeadwayError: at once, if the prompt is empty or does not fit the model's context.
    """
    # The checks are not part of the generator, so that they happen at the call and not at the first `next`.
    b, t = tokens.shape
    past = 0 if cache is None else cache.length
    room = past + t + until.max_tokens
    if t == 0:
        raise HeadwayError("the prompt is empty: a model needs at least one token to go on from.")
    if until.max_tokens < 0:
        raise HeadwayError(f"max-tokens is 0 or more, not {until.max_tokens}.")
    if mask is not None and not bool(mask[:, -1].all()):
        raise HeadwayError("every row must end with a real token: pad prompts of different lengths on the left.")
    context = model.context if isinstance(model, Conditioned) else getattr(model.config, "context", None)
    if context is not None:
        if past + t > context:
            raise HeadwayError(
                f"the text is {past + t} tokens long, and the model reads at most {context}: "
                f"leave out {past + t - context} or more."
            )
        room = min(room, context + 1)  # the last token chosen is not read any more
    if cache is None:
        cache = model.new_cache(b, max(1, room - 1))
    elif getattr(cache, "room", room) < room - 1:
        raise HeadwayError(f"the cache has room for {cache.room} tokens, and this takes {room - 1}: make a larger one.")
    found = Generated(past + t, cache.nbytes)
    found.steps = _steps(model, tokens, mask, cache, room - past - t, until, sampling, generator, found)
    return found


@torch.inference_mode()
def last_logits(model: Any, tokens: Tensor, cache: Any, mask: Tensor | None = None) -> Tensor:
    """Logits after the last token, (b, v). The head is not applied to the tokens before: at 8,192 of them and 49,152
    words that alone would be 1.6 GB."""
    if isinstance(model, Conditioned):
        return model.step(tokens, cache, mask)
    if tokens.shape[1] > 1 and hasattr(model, "hidden") and hasattr(model, "readout"):
        return model.readout(model.hidden(tokens, cache, mask=mask)[:, -1:])[:, -1]
    return model(tokens, cache, mask=mask)[:, -1]


def _steps(model, tokens, mask, cache, most, until, sampling, generator, found):
    b, t = tokens.shape
    call: Step = functools.partial(last_logits, model)
    shape = (b, t + most)
    history = torch.full(shape, until.pad, dtype=torch.long, device=tokens.device) if sampling.looks_back else None
    real = None
    if history is not None:
        history[:, :t] = tokens
        if mask is not None:
            real = torch.ones_like(history, dtype=torch.bool)
            real[:, :t] = mask
    done = torch.zeros(b, dtype=torch.bool, device=tokens.device)
    stops = torch.tensor(sorted(until.stop_ids), dtype=torch.long, device=tokens.device)
    given, given_mask = tokens, mask
    cut = "length" if most >= until.max_tokens else "context"
    for step in range(most):
        with torch.inference_mode():
            logits = call(given, cache, given_mask)
            so_far = (None, None)
            if history is not None:
                so_far = (history[:, : t + step], None if real is None else real[:, : t + step])
            chosen = sampling.choose(logits, *so_far, generator).masked_fill(done, until.pad)
            if len(stops):
                done = done | torch.isin(chosen, stops)
            if history is not None:
                history[:, t + step] = chosen
            given, given_mask = chosen[:, None], None
            finished = bool(done.all())
        found.tokens += 1
        found.ended = "stop" if finished else None if step + 1 < most else cut
        yield chosen
        if finished:
            return
    found.ended = found.ended or cut


def left_pad(
    rows: Sequence[Sequence[int]], pad: int = 0, *, device: torch.device | str | None = None
) -> tuple[Int[Tensor, "b t"], Bool[Tensor, "b t"] | None]:
    """Rows of ids as one batch, padded on the left, and its mask (None where nothing had to be padded)."""
    if not rows or not all(rows):
        raise HeadwayError("the prompt is empty: a model needs at least one token to go on from.")
    t = max(map(len, rows))
    tokens = torch.tensor([[pad] * (t - len(row)) + list(row) for row in rows], dtype=torch.long, device=device)
    if all(len(row) == t for row in rows):
        return tokens, None
    lengths = torch.tensor([len(row) for row in rows], device=device)
    return tokens, torch.arange(t, device=device) >= t - lengths[:, None]

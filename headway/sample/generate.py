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

Forward = Callable[[Tensor, Any, Tensor | None], Tensor]
"""(tokens, cache, mask) -> logits at the last token, (b, v)."""


@dataclass
class Facts:
    """What a generation was like, filled in while it runs.

    Attributes:
        prompt: Columns of the prompt.
        tokens: Tokens generated so far, per row.
        cache_bytes: What the cache holds, all of it allocated beforehand.
        ended: Why it ended: ``stop``, ``length`` (max_tokens) or ``context`` (the model's own limit); None while it runs.
    """

    prompt: int = 0
    tokens: int = 0
    cache_bytes: int = 0
    ended: str | None = None


def generate(
    model: Any,
    tokens: Int[Tensor, "b t"],
    *,
    max_tokens: int,
    sampling: Sampling = GREEDY,
    stop_ids: Collection[int] = (),
    pad: int = 0,
    mask: Bool[Tensor, "b t"] | None = None,
    generator: torch.Generator | Sequence[torch.Generator] | None = None,
    cache: Any = None,
    forward: Forward | None = None,
    facts: Facts | None = None,
) -> Iterator[Int[Tensor, " b"]]:
    """Yield the next token of every row until each has met a stop id, or there are `max_tokens` of them.

    Args:
        model: A decoder (``logits = model(tokens, cache, mask=mask)``, ``model.new_cache(batch, room)``).
        tokens: The prompt; rows of different lengths are padded on the left (`left_pad`).
        max_tokens: The most tokens to come; fewer where the model's context ends before.
        sampling: How a token is chosen.
        stop_ids: A row that yields one of these is done; it yields `pad` from then on.
        mask: True at real tokens of the prompt, None if all are.
        generator: For sampling: one for all rows, or one per row; PyTorch's own if None.
        cache: One that holds the beginning of this conversation already (`tokens` come after it), with room for the rest;
            a new one if None.
        forward: How the model is called, where it is not a plain decoder (an encoder-decoder closes over its source).
        facts: Filled in on the way.

    Raises:
        HeadwayError: at once, if the prompt is empty or does not fit the model's context.
    """
    # The checks are not part of the generator, so that they happen at the call and not at the first `next`.
    facts = Facts() if facts is None else facts
    b, t = tokens.shape
    past = 0 if cache is None else cache.length
    room, facts.prompt, facts.tokens, facts.ended = past + t + max_tokens, past + t, 0, None
    if t == 0:
        raise HeadwayError("the prompt is empty: a model needs at least one token to go on from.")
    if max_tokens < 0:
        raise HeadwayError(f"max-tokens is 0 or more, not {max_tokens}.")
    if mask is not None and not bool(mask[:, -1].all()):
        raise HeadwayError("every row must end with a real token: pad prompts of different lengths on the left.")
    context = getattr(model.config, "context", None) if forward is None else None
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
    facts.cache_bytes = cache.nbytes
    return _generate(
        model, tokens, room - past - t, max_tokens, sampling, stop_ids, pad, mask, generator, cache, forward, facts
    )


@torch.inference_mode()
def last_logits(model: Any, tokens: Tensor, cache: Any, mask: Tensor | None = None) -> Tensor:
    """Logits after the last token, (b, v). The head is not applied to the tokens before: at 8,192 of them and 49,152
    words that alone would be 1.6 GB."""
    if tokens.shape[1] > 1 and hasattr(model, "hidden") and hasattr(model, "readout"):
        return model.readout(model.hidden(tokens, cache, mask=mask)[:, -1:])[:, -1]
    return model(tokens, cache, mask=mask)[:, -1]


def _generate(model, tokens, steps, asked, sampling, stop_ids, pad, mask, generator, cache, forward, facts):
    b, t = tokens.shape
    call: Forward = functools.partial(last_logits, model) if forward is None else forward
    history = torch.full((b, t + steps), pad, dtype=torch.long, device=tokens.device) if sampling.looks_back else None
    real = None
    if history is not None:
        history[:, :t] = tokens
        if mask is not None:
            real = torch.ones_like(history, dtype=torch.bool)
            real[:, :t] = mask
    done = torch.zeros(b, dtype=torch.bool, device=tokens.device)
    stops = torch.tensor(sorted(stop_ids), dtype=torch.long, device=tokens.device)
    given, given_mask = tokens, mask
    for step in range(steps):
        with torch.inference_mode():
            logits = call(given, cache, given_mask)
            so_far = (None, None)
            if history is not None:
                so_far = (history[:, : t + step], None if real is None else real[:, : t + step])
            chosen = sampling.choose(logits, *so_far, generator).masked_fill(done, pad)
            if len(stops):
                done = done | torch.isin(chosen, stops)
            if history is not None:
                history[:, t + step] = chosen
            given, given_mask = chosen[:, None], None
            finished = bool(done.all())
        facts.tokens += 1
        facts.ended = "stop" if finished else None if step + 1 < steps else "length" if steps >= asked else "context"
        yield chosen
        if finished:
            return
    facts.ended = facts.ended or ("length" if steps >= asked else "context")


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

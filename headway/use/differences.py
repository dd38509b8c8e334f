"""Whether two results are the same: a model's on a learner's functions, and its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from headway.sample.text import Reply
from headway.sample.transcribe import Spoken
from headway.use.results import Action, Choice, Gap, Importance, Likeness, Rewritten, TokenLabel


@dataclass(frozen=True)
class Difference:
    """What two results have in common.

    Attributes:
        same: Whether they are the same; numbers may differ by rounding, no more.
        words: That in a few words, for people.
    """

    same: bool
    words: str


def difference(
    found: Any,
    own: Any,
    *,
    decode: Callable[[list[int]], str] | None = None,
    eps: float = torch.finfo(torch.float32).eps,
) -> Difference:
    """Hold a result that `found` against the model's `own`, both of one function of `headway.use` on one input.

    A reply of its own is read only as far as it is the same. Tokens are compared one by one; numbers are the same where they
    differ by less than the square root of `eps`, the precision of the model's dtype.

    Args:
        found, own: The results; what comes in pieces (`hear`) as a list.
        decode: Ids to text, to say which tokens differ.
        eps: ``torch.finfo(dtype).eps`` of the model.
    """
    if isinstance(found, Reply | Rewritten):
        return _of_tokens(found.ids, _as_they_come(own), decode or str)
    words, numbers = _parts(found)
    own_words, own_numbers = _parts(own)
    if words != own_words:
        at = next((n for n, (a, b) in enumerate(zip(words, own_words, strict=False)) if a != b), None)
        how = "more or fewer" if at is None else f"{words[at]!r} instead of {own_words[at]!r}"
        return Difference(False, f"not the result of Headway's own: {how}")
    if not numbers:
        return Difference(True, "the same result as on Headway's own")
    apart = (torch.tensor(numbers, dtype=torch.float64) - torch.tensor(own_numbers, dtype=torch.float64)).abs().max()
    if not apart < eps**0.5:  # NaN is no rounding
        return Difference(False, f"not the numbers of Headway's own: up to {float(apart):.2g} apart")
    how_near = "to the bit" if apart == 0 else f"within {float(apart):.0e}"
    return Difference(True, f"the same result as on Headway's own, {how_near}")


def _as_they_come(own: Reply | Rewritten) -> Iterable[int]:
    """The tokens of a result, those of a reply as it is made."""
    if isinstance(own, Rewritten):
        yield from own.ids
        return
    given = 0
    for _ in own:
        yield from own.ids[given:]
        given = len(own.ids)
    yield from own.ids[given:]


def _of_tokens(found: Sequence[int], own: Iterable[int], decode: Callable[[list[int]], str]) -> Difference:
    same = 0
    for id in own:
        if same == len(found):
            break
        if found[same] != id:
            told = f"{decode([found[same]])!r} instead of {decode([id])!r}"
            return Difference(False, f"not the tokens of Headway's own: token {same + 1} is {told}")
        same += 1
    if same < len(found):
        return Difference(False, f"not the tokens of Headway's own: those end after {same}")
    return Difference(True, f"the same {same} token{'s' * (same != 1)} as on Headway's own")


def _parts(result: Any) -> tuple[list[str], list[float]]:
    """What a result says, and its numbers."""
    match result:
        case Choice(name, probability):
            return [name], [probability]
        case Gap(place, choices):
            words, numbers = _parts(choices)
            return [f"gap at {place}", *words], numbers
        case TokenLabel(token, label):
            return [f"{token} {label}"], []
        case Spoken(text=text):
            return [text], []
        case Likeness(names, vectors):
            return list(names), vectors.flatten().tolist()
        case Importance():
            return [], result.map.flatten().tolist()
        case Action(values=values):
            return [], list(values)
    words, numbers = [], []
    for part in result:
        more_words, more_numbers = _parts(part)
        words += more_words
        numbers += more_numbers
    return words, numbers

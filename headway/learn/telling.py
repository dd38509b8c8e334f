"""Inputs that tell mistakes apart, for exercises on text and graphs.

Random numbers separate any two different formulas; a random word often does not separate two ways of cutting it. So a case
builds several inputs and keeps the one on which most of the exercise's mistakes differ, from the right answer and from each
other. Each draw looks at another half of the mistakes, so that the rare ones get inputs of their own.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

from headway.learn.cases import Call, Draw, Mistake
from headway.learn.contract import mistakes_in
from headway.learn.exercise import sibling


def telling(file: str, d: Draw, build: Callable[[Draw], Call], tries: int = 8) -> Call:
    """The most telling of `tries` calls that ``build(d)`` makes; `file` is the ``__file__`` of the exercise's cases.py.

    For pure Python answers, which take well under a millisecond. The same draw gives the same call.
    """
    answers = [m.answer for m in _mistakes(file) if d.random.random() < 0.5]
    best, most = None, -1
    for _ in range(tries):
        call = build(d)
        found = {_told(answer, call.arguments) for answer in answers}
        if len(found) > most:
            best, most = call, len(found)
    assert best is not None
    return best


def _told(answer: Callable, arguments: dict[str, Any]) -> str:
    try:
        return repr(answer(**copy.deepcopy(arguments)))
    except Exception as error:
        return type(error).__name__


@functools.cache
def _mistakes(file: str) -> list[Mistake]:
    return mistakes_in(sibling(file, "mistakes"))

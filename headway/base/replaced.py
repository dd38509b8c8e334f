"""Functions of Headway, replaced for a while wherever they have been imported."""

from __future__ import annotations

import contextlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

_one_at_a_time = threading.RLock()


def modules() -> list[ModuleType]:
    """The modules of Headway that are loaded."""
    return [m for name, m in list(sys.modules.items()) if name.startswith("headway.") and isinstance(m, ModuleType)]


@contextlib.contextmanager
def replaced(news: dict[Callable, Callable[[Callable], Callable]]) -> Iterator[None]:
    """While this lasts, every module of Headway that has one of the functions calls another in its place.

    Args:
        news: A function -> what makes the one that takes its place, given the function that stands there now: that is the
            function itself, or what an outer `replaced` has put there.

    Only the thread that asked for it sees the change: others call what stood there before. One thread at a time can ask.
    """
    owner = threading.get_ident()
    swapped: list[tuple[ModuleType, str, Any]] = []
    wanted = {id(inspect.unwrap(function)): make for function, make in news.items()}
    made: dict[int, tuple[Any, Any]] = {}  # id of what stood there -> (it, what stands there now)

    def place(module: ModuleType) -> None:
        for name, value in list(vars(module).items()):
            if id(value) not in made:
                make = wanted.get(id(inspect.unwrap(value))) if callable(value) else None
                if make is None:
                    continue
                made[id(value)] = (value, _for_thread(owner, make(value), value))
            swapped.append((module, name, value))
            setattr(module, name, made[id(value)][1])

    with _one_at_a_time:
        try:
            for module in modules():
                place(module)
            yield
        finally:
            for module, name, value in swapped:
                setattr(module, name, value)
            # A module imported meanwhile has taken the new function for the real one.
            back = {id(now): before for before, now in made.values()}
            for module in modules():
                for name, value in list(vars(module).items()):
                    if id(value) in back:
                        setattr(module, name, back[id(value)])


def _for_thread(owner: int, new: Callable, before: Callable) -> Callable:
    def call(*args: Any, **kwargs: Any) -> Any:
        return (new if threading.get_ident() == owner else before)(*args, **kwargs)

    call.__wrapped__ = inspect.unwrap(before)  # type: ignore[attr-defined]
    call.__name__, call.__module__, call.__doc__ = before.__name__, before.__module__, before.__doc__
    return call

"""Environment variables that hold more than a text."""

from __future__ import annotations

import os

from headway.base.errors import HeadwayError


def whole_number(name: str, otherwise: int, *, least: int = 0) -> int:
    """The number in the environment variable `name`; `otherwise` where it is unset or empty.

    Raises HeadwayError where it holds something else, or a number below `least`.
    """
    text = (os.environ.get(name) or "").strip()
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
        raise HeadwayError(f"{name} is {text[:40]!r}, where a whole number from {least} on belongs: unset or mend it.")
    return int(text)


def place_in_run() -> tuple[int, int, int]:
    """What torchrun says about this process: (how many there are, which one this is, which one on this machine).

    Raises HeadwayError where the three variables do not fit together.
    """
    size, rank, near = whole_number("WORLD_SIZE", 1, least=1), whole_number("RANK", 0), whole_number("LOCAL_RANK", 0)
    if size > 1 and rank >= size:
        raise HeadwayError(
            f"RANK is {rank} and WORLD_SIZE {size}: ranks run from 0 to {size - 1}; let torchrun set them."
        )
    return size, rank if size > 1 else 0, near

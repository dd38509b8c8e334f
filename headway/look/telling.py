"""Numbers and tokens as they are written into a terminal's columns and under matplotlib's axes."""

from __future__ import annotations

import functools
import textwrap

from rich.text import Text

from headway.look.picture import Picture


def percent(p: float) -> str:
    """``37%``, in four places."""
    return f"{100 * p:.0f}%" if p >= 0.0995 else f"{100 * p:.1f}%" if p >= 0.0005 else "0%"


def printable(text: str) -> str:
    """A text as matplotlib's own font can set it: a box for a sign that it lacks, and nothing taken for a formula."""
    return "".join(c if ord(c) in _signs() else "□" for c in text).replace("$", r"\$")


@functools.cache
def _signs() -> frozenset[int]:
    from matplotlib import font_manager

    return frozenset(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())


def heading(picture: Picture) -> str:
    """What stands over a figure: the title, and what was changed in the model."""
    return printable(picture.title + (f" ({'; '.join(picture.edits)})" if picture.edits else ""))


def notes(text: str, width: int) -> list[Text]:
    """What stands under a picture in the terminal, in lines of at most `width`."""
    return [Text(line, "dim") for line in textwrap.wrap(text, max(width, 20))]

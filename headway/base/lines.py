"""The lines of a text. Only a line feed ends one, a carriage return before it included: `str.splitlines` also cuts at U+2028,
U+0085, U+000B and others, which are characters like any other in JSON, in vocabularies and in what people write.
"""

from __future__ import annotations


def lines_of(text: str, *, keep_ends: bool = False) -> list[str]:
    """The lines of `text`, with their ends if so asked; what follows the last line feed is a line unless it is empty."""
    lines = text.split("\n")
    last = lines.pop()
    if keep_ends:
        lines = [line + "\n" for line in lines]
    else:
        lines = [line.removesuffix("\r") for line in lines]
    return [*lines, last] if last else lines

"""Text as it comes, on a terminal and in a pipe; remarks beside it; text that comes in."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from headway.base.console import broken, err, out

if TYPE_CHECKING:
    from headway.sample.text import Reply

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def write(pieces: Iterable[str], *, column: int = 0) -> None:
    """Write text to standard output as it comes, and end the line.

    In a pipe it comes out as it is. On a terminal lines are broken between words, and control characters are left out: a
    model's text shall not steer it. `column` is how far the line is written already. What has come is written even where the
    pieces end with an exception (Ctrl-C).
    """
    out = sys.stdout
    if hasattr(out, "reconfigure"):
        out.reconfigure(errors="replace")
    if not out.isatty():
        for piece in pieces:
            out.write(piece)
            out.flush()
        print(flush=True)
        return
    lines = WordWrap(columns(), column)
    try:
        for piece in pieces:
            out.write(lines.push(CONTROL.sub("", piece)))
            out.flush()
    finally:
        out.write(lines.close() + "\n")
        out.flush()


def columns() -> int:
    """How wide the terminal is."""

    return out().width


class WordWrap:
    """Breaks text that comes in pieces into lines of at most `width` columns, between words where that can be.

    A word is held back until it is complete, as it may belong into the next line. However the text is cut into pieces, the same
    lines come out. Spaces at the beginning of a line are kept: they may be the indent of code.
    """

    def __init__(self, width: int, column: int = 0):
        self._width = max(8, width)
        self._column = column
        self._space = self._word = ""

    def push(self, piece: str) -> str:
        """What may be written now that `piece` has come."""
        written = ""
        for sign in piece:
            if sign == "\n":
                written += self._flush() + "\n"
                self._column, self._space = 0, ""
            elif sign in " \t":
                written += self._flush()
                self._space += sign
            elif cell_len(sign) > 1:  # between the signs of Chinese and Japanese a line may end anywhere
                written += self._flush()
                self._word = sign
                written += self._flush()
            else:
                self._word += sign
                if len(self._word) > self._width:  # it fits into no line
                    written += self._flush()
        return written

    def close(self) -> str:
        """What was held back."""
        return self._flush()

    def _flush(self) -> str:
        if not self._word:
            return ""
        space, word = self._space, self._word
        self._space = self._word = ""
        length = cell_len(word)
        if self._column and self._column + len(space.expandtabs()) + length > self._width:
            self._column = length
            return "\n" + word
        self._column += len(space.expandtabs()) + length
        return space + word


def note(line: Any) -> None:
    """A remark beside the text, on standard error."""
    err().print(Text(broken(str(line), err()), style="dim"), soft_wrap=True)


def took(said: Reply) -> str:
    """What a reply took, in a line."""
    if said.first is None:
        return "no token came"
    n = len(said.ids)
    rate = f"{n} tokens at {said.rate:.1f} tokens/s" if said.rate else f"{n} token{'s' * (n != 1)}"
    why = {"length": ", cut at --max-tokens", "context": ", cut where the model's context ends"}.get(
        said.ended or "", ""
    )
    return f"{rate}, first after {said.first:.2f} s ({said.prompt} tokens read), cache {said.cache_bytes / 1e6:.1f} MB{why}"


def plain(text: str) -> str:
    """Text from a command line or a pipe as valid Unicode."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def piped() -> str:
    """All of standard input."""
    return sys.stdin.buffer.read().decode("utf-8", "replace") if hasattr(sys.stdin, "buffer") else sys.stdin.read()

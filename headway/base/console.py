"""What a person sees: answers on standard output, everything else (errors, progress, timings) on standard error."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


@functools.cache
def out() -> Console:
    """The console for answers. Soft-wraps when it is no terminal, so that what is piped keeps its lines."""
    return _console(stderr=False)


@functools.cache
def err() -> Console:
    """The console for errors, progress and timings."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    class Plain(Console):
        """rich ends the process where nobody reads any more; here that is for the command line to decide."""

        def on_broken_pipe(self) -> None:
            raise

    stream = sys.stderr if stderr else sys.stdout
    return Plain(stderr=stderr, highlight=False, soft_wrap=not stream.isatty())


def fail(message: str) -> None:
    """Print ``error: message`` on standard error, without markup and without a terminal's control codes: one line, which a
    terminal breaks between words."""
    from rich.text import Text

    line = " ".join("".join(c if c.isprintable() or c.isspace() else repr(c)[1:-1] for c in str(message)).split())
    text = Text(broken(f"error: {line}", err()))
    text.stylize("bold red", 0, len("error:"))
    with contextlib.suppress(OSError):  # nobody is there to be told
        err().print(text, soft_wrap=True)


def broken(text: str, console: Console) -> str:
    """`text` in lines no wider than a terminal, ended between words and never inside one (a path can be copied); as it is
    where `console` is no terminal. Line ends and indents stay."""
    if not console.is_terminal:
        return text
    lines = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        how = {"subsequent_indent": indent, "break_long_words": False, "break_on_hyphens": False}
        lines += textwrap.wrap(line, max(20, console.width), drop_whitespace=True, **how) or [""]
    return "\n".join(lines)


def under(label: Text, content: Text) -> None:
    """Print `content` behind `label` on standard output; on a terminal, where it needs several lines, each begins behind it."""
    from rich.table import Table

    console = out()
    if not console.is_terminal:
        console.print(label + content)
        return
    row = Table.grid()
    row.add_column(no_wrap=True)
    row.add_column()
    row.add_row(label, content)
    console.print(row)


def interactive() -> bool:
    """Whether a person can answer: both ends are a terminal and no CI is running."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")

"""What a person sees: answers on standard output, everything else (errors, progress, timings) on standard error."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


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
    with contextlib.suppress(OSError):  # nobody is there to be told
        err().print(Text("error: ", style="bold red") + Text(line), overflow="ignore")


def interactive() -> bool:
    """Whether a person can answer: both ends are a terminal and no CI is running."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")

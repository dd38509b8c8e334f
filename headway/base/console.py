"""What a person sees: answers on standard output, everything else (errors, progress, timings) on standard error."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@functools.cache
def out() -> Console:
    """The console for answers. Soft-wraps when it is no terminal, so that what is piped keeps its lines."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


@functools.cache
def err() -> Console:
    """The console for errors, progress and timings."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def fail(message: str) -> None:
    """Print ``error: message`` on standard error, without markup: one line, which a terminal breaks between words."""
    from rich.text import Text

    line = " ".join(str(message).split())
    err().print(Text("error: ", style="bold red") + Text(line), overflow="ignore")


def interactive() -> bool:
    """Whether a person can answer: both ends are a terminal and no CI is running."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")

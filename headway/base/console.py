"""What a person sees: answers on standard output, everything else (errors, progress, timings) on standard error."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import shutil
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

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


class Bar:
    """One line on standard error that grows: what is done, a bar, how much of it, the time left, and a text of yours.

    Where standard error is no terminal nothing is drawn. `stop` it, or use it in a ``with``.

    Args:
        what: A word or two, in front of the bar.
        total: How much there is to do.
        done: How much of it is done already.
        sizes: Whether the numbers are bytes; then the speed is shown as well.
        time_left: Whether the time left is worked out from the speed so far.
        stays: Whether the line stays on the screen when it has stopped.
    """

    def __init__(
        self,
        what: str,
        total: int,
        *,
        done: int = 0,
        sizes: bool = False,
        time_left: bool = True,
        stays: bool = False,
    ) -> None:
        self._progress: Any = None
        if not err().is_terminal:
            return
        from rich import progress

        columns = [progress.TextColumn("{task.description}", markup=False), progress.BarColumn(bar_width=24)]
        columns += (
            [progress.DownloadColumn(), progress.TransferSpeedColumn()] if sizes else [progress.MofNCompleteColumn()]
        )
        columns += [progress.TimeRemainingColumn()] if time_left else []
        columns += [progress.TextColumn("{task.fields[text]}", markup=False)]
        self._progress = progress.Progress(*columns, console=err(), transient=not stays)
        self._task = self._progress.add_task(what, total=total, completed=done, text="")
        self._progress.start()

    def to(self, done: float, text: str | None = None) -> None:
        """`done` is done; `text` stands behind it from now on, where one is given."""
        if self._progress is not None:
            self._progress.update(self._task, completed=done, **({} if text is None else {"text": text}))

    def stop(self) -> None:
        """No more will be done. May be called more than once."""
        if self._progress is not None:
            self._progress.stop()

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextlib.contextmanager
def paged() -> Iterator[None]:
    """What is printed to `out` meanwhile goes through a pager where it is longer than a person's terminal is high, as git's
    long answers do: $PAGER, else ``less``, which shows from the beginning and scrolls. ``PAGER=cat`` turns it off."""
    console = out()
    command = shlex.split(os.environ.get("PAGER") or "less")
    if not (interactive() and os.environ.get("TERM", "dumb") != "dumb" and command and shutil.which(command[0])):
        yield
        return
    with console.capture() as captured:
        yield
    text = captured.get()
    if text.count("\n") < console.height or command == ["cat"]:
        console.file.write(text)
        console.file.flush()
        return
    environment = {"LESS": "FRX", **os.environ}  # colours; what was shown stays; a short text is not waited for
    subprocess.run(command, input=text.encode("utf-8", "replace"), env=environment, check=False)


def interactive() -> bool:
    """Whether a person can answer: both ends are a terminal and no CI is running."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")

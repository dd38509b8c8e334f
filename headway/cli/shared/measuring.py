"""What the benches share: the bar, and the file of what was measured."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from headway.base.console import err
from headway.base.files import write_text
from headway.cli.shared.writing import note
from headway.evals.record import commit_of


def write(path: Path, content: dict[str, Any]) -> None:
    """Keep what was measured as JSON, with the time of day, the command and the commit."""
    about = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": command_line(),
        "commit": commit_of(Path(__file__)),
    }
    write_text(path, json.dumps({**about, **content}, indent=1) + "\n")


def machine_line(facts: dict[str, Any], warning: str | None) -> None:
    """What it was measured on, and whether that had other work."""
    note(f"{facts['processor']}, {facts['threads']} threads, torch {facts['torch']}, kernels {facts['kernels']}")
    if warning:
        note(warning)


def command_line() -> str:
    """The command as it was typed."""
    return shlex.join(["headway", *sys.argv[1:]])


def progress(what: str, total: int):
    """A bar on a terminal, nothing elsewhere."""

    @contextlib.contextmanager
    def bar():
        if not err().is_terminal:
            yield lambda done: None
            return

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err(), transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield lambda done: progress.update(task, completed=done + 1)

    return bar()

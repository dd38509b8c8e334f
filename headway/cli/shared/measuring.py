"""What the benches share: the bar, and the file of what was measured."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from headway.base.console import Bar
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


def ready(threads: int | None) -> str | None:
    """Give PyTorch its threads; a line where other work takes the processors."""
    import torch

    from headway.evals.speed import busy

    if threads is not None:
        torch.set_num_threads(threads)
    return busy()


def command_line() -> str:
    """The command as it was typed."""
    return shlex.join(["headway", *sys.argv[1:]])


@contextlib.contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal, nothing elsewhere; what is yielded is told the number of each part when it is done, from 0 on."""
    with Bar(what, total) as bar:
        yield lambda done: bar.to(done + 1)

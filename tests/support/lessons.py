"""Lessons as tests use them: run as a script, and served by `headway read` as a person starts it, without the browser."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headway.learn.recall import LESSONS

WRITTEN = sorted(path.stem for path in LESSONS.glob("*.py"))


def load(name: str) -> Any:
    """The module of a lesson, whose `app` runs it."""
    spec = importlib.util.spec_from_file_location(f"lesson_{name.replace('-', '_')}", LESSONS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outputs_of(name: str) -> str:
    """The HTML of everything that a lesson shows."""
    outputs, _ = load(name).app.run()
    return "\n".join(str(getattr(output, "text", output)) for output in outputs if output is not None)


ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/[\w-]*/?\?access_token=([\w-]{20,})")


@contextlib.contextmanager
def reading(topic: str | None, folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], re.Match[str]]]:
    """The running command, and its page's address with port and token as groups; the command is ended afterwards."""
    command = ["read", *([topic] if topic else []), *options]
    with _serving(command, folder, ADDRESS) as served:
        yield served


@contextlib.contextmanager
def looking(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running ``headway look ... --open`` and the address of its page; the command is ended afterwards."""
    with _serving(["look", *words, "--open"], folder, re.compile(r"http://127\.0\.0\.1:\S+")) as (process, found):
        yield process, found[0]


@contextlib.contextmanager
def _serving(
    command: list[str], folder: Path, address: re.Pattern[str]
) -> Iterator[tuple[subprocess.Popen[str], re.Match[str]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "headway", *command, "--no-browser"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        found = address.search(process.stdout.readline())
        assert found
        yield process, found
    finally:
        process.terminate()
        process.communicate(timeout=60)

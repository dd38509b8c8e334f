"""`headway read`, as a person starts it, without the browser."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/[\w-]*/?\?access_token=([\w-]{20,})")


@contextlib.contextmanager
def reading(topic: str, folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], re.Match[str]]]:
    """The running command, and its page's address with port and token as groups; the command is ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "headway", "read", topic, "--no-browser", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        found = ADDRESS.search(process.stdout.readline())
        assert found
        yield process, found
    finally:
        process.terminate()
        process.communicate(timeout=60)

"""A terminal for the tests of commands that ask whether they have one."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path


class Terminal:
    """``headway WORDS`` at a terminal of its own."""

    def __init__(self, *words, cwd: Path | None = None, **environment: str) -> None:
        self.master, slave = pty.openpty()
        env = {**os.environ, "TERM": "dumb", "COLUMNS": "200", "LINES": "50", **environment}
        env.pop("CI", None)
        command = [sys.executable, "-m", "headway", *map(str, words)]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, cwd=cwd, env=env, start_new_session=True, close_fds=True
        )
        os.close(slave)
        self.seen = ""

    def until(self, pattern: str, seconds: float = 60) -> str:
        """Read until `pattern` is there; what came up to and with it."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < deadline, f"waited for {pattern!r}, saw {self.seen[-500:]!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
        out, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return out

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def interrupt(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def interrupt_until(self, pattern: str) -> str:
        """Ctrl-C again each second until `pattern` is there.

        At a prompt CPython waits in select(): a signal between the prompt's last letter and that call is seen with the next key
        only, so that one Ctrl-C sent by a program, which knows no pause, can go unheard.
        """
        for _ in range(30):
            self.interrupt()
            with contextlib.suppress(AssertionError):
                return self.until(pattern, 1)
        return self.until(pattern, 1)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self, seconds: float = 30) -> int:
        """Wait for the end, reading what still comes; the exit code."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    os.read(self.master, 65536)
        code = self.process.wait(1)
        os.close(self.master)
        return code

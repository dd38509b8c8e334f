"""The judge, as the rest of Headway sees it: a file and an exercise in, a verdict out.

A `Judge` keeps one process warm: Python with torch imported and nothing done yet. For every file that process forks a
judge, and the judge forks the process that runs the learner's code, so that every check starts from the same clean state
and none pays for an import. See `judging` for how a verdict is reached, `child` for where learner's code runs.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from headway.base.errors import HeadwayError
from headway.learn.exercise import Exercise, find_exercise
from headway.learn.judge.verdict import CheckRequest, Verdict

LONGEST = 120.0
"""Seconds after which a judging that has not come back is given up; the limits inside end it long before."""


def new_seed() -> int:
    """A fresh seed, short enough to be typed again."""
    return secrets.randbelow(1_000_000)


def _search_path() -> str:
    """Where modules are looked for, as here, for PYTHONPATH; the current folder is not among it.

    A learner's `random.py` must not be found in place of Python's own.
    """
    root = str(Path(__file__).resolve().parents[3])
    here = [entry for entry in sys.path if entry and os.path.abspath(entry) != os.getcwd()]
    return os.pathsep.join([*here, *([] if root in here else [root])])


class Judge:
    """A warm judge. Use as a context manager, or `close` it; a second one is never needed in a process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._pending = b""

    def start(self) -> None:
        """Begin to warm up; returns at once."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        if os.name != "posix":
            raise HeadwayError(
                "the judge needs Linux or macOS (or WSL on Windows): it runs your code in a process of its own."
            )
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"}
        environment["PYTORCH_JIT"] = "0"  # a scripted function is run as the Python it is, its calls in sight
        environment["PYTHONPATH"] = _search_path()
        environment.pop("PYTHONSTARTUP", None)
        self._pending, self._ready = b"", False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "headway.learn.judge.warm"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if not os.environ.get("HEADWAY_DEBUG") else None,
            env=environment,
            start_new_session=True,
            bufsize=0,
        )

    def check(
        self,
        exercise: Exercise,
        path: Path | str,
        seed: int | None = None,
        instead: dict[str, str] | None = None,
        draws: int | None = None,
    ) -> Verdict:
        """Judge the file at `path`; a fresh seed if None. `instead` and `draws`: see `CheckRequest`."""
        self.start()
        request = CheckRequest(
            exercise=exercise.id,
            folder=str(exercise.folder),
            path=str(Path(path).absolute()),
            seed=new_seed() if seed is None else seed,
            instead=instead or {},
            draws=draws,
        )
        try:
            return self._exchange(request)
        except KeyboardInterrupt:
            self.close()
            raise

    def _exchange(self, request: CheckRequest) -> Verdict:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        deadline = time.monotonic() + LONGEST
        if not self._ready:
            self._line(deadline)
            self._ready = True
        with contextlib.suppress(BrokenPipeError):  # its end is told by what it does not answer
            process.stdin.write(request.line())
        return Verdict.read(self._line(deadline))

    def _line(self, deadline: float) -> bytes:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        while b"\n" not in self._pending:
            left = deadline - time.monotonic()
            data = b""
            if left > 0:
                if not select.select([process.stdout], [], [], left)[0]:
                    continue
                data = os.read(process.stdout.fileno(), 65536)
            if not data:
                text = ""
                self._kill()
                if process.stderr is not None:
                    text = process.stderr.read().decode(errors="replace").strip()
                last = text.splitlines()[-1] if text else "it ended without a word" if left > 0 else "it took too long"
                raise HeadwayError(f"the judge could not run: {last}. `headway doctor` shows what is missing.")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def _kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """End the warm process."""
        process, self._process = self._process, None
        if process is not None:
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stderr is not None:
                process.stderr.close()

    def __enter__(self) -> Judge:
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def judge(exercise: Exercise | str, path: Path | str, seed: int | None = None) -> Verdict:
    """Judge one file, cold: about two seconds, most of them torch's import."""
    with Judge() as warm:
        return warm.check(find_exercise(exercise) if isinstance(exercise, str) else exercise, path, seed)

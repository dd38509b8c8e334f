"""The process that stays warm: torch imported and nothing else done; one fork per request, so that each starts clean.

Started as ``python -P -m headway.learn.judge.warm``; it reads `CheckRequest`s from standard input and writes `Verdict`s to
standard output, one line of JSON each.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
import traceback
from pathlib import Path

import numpy  # noqa: F401
import torch

from headway.learn.exercise import Exercise
from headway.learn.judge import forbidden
from headway.learn.judge.explain import CHANCE, MEMORY_BETWEEN_CALLS
from headway.learn.judge.judging import judged, repeated
from headway.learn.judge.limits import adopt_orphans, die_with_parent
from headway.learn.judge.process import Child
from headway.learn.judge.verdict import RIGHT_WHEN_NEW, CheckRequest, Verdict

FAILED = Verdict("broken", "the judge itself failed.")


def main_loop(inbox: int, outbox: int) -> None:
    """Answer requests until the other side goes away."""
    torch.set_num_threads(1)
    # torch.func and some others import torch's compiler when they are first called, which looks for a folder for its cache
    # by writing to it. Where nothing may be written any more it has to be known already.
    with contextlib.suppress(OSError):  # no folder of the system can be written to
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", tempfile.gettempdir())
    forbidden.index()
    die_with_parent()
    pending = b""
    os.write(outbox, b"ready\n")
    while True:
        while b"\n" not in pending:
            data = os.read(inbox, 65536)
            if not data:
                return
            pending += data
        line, _, pending = pending.partition(b"\n")
        request = CheckRequest.read(line)
        verdict = _forked(request, (inbox, outbox))
        if verdict.unsteady is not None:
            verdict = _chance_or_memory(request, verdict, (inbox, outbox))
        os.write(outbox, verdict.message())


def _chance_or_memory(request: CheckRequest, verdict: Verdict, others: tuple[int, int]) -> Verdict:
    """Whether code that does not always give the same is random, or keeps something from call to call.

    The input is given twice in a row to each of two fresh processes. What one of them remembers, the other does too.
    """
    again = dataclasses.replace(request, repeat=verdict.unsteady)
    if verdict.unsteady is not None and verdict.unsteady.suspected:
        if _forked(again, others).details != (RIGHT_WHEN_NEW,):
            return dataclasses.replace(verdict, unsteady=None)
        details = ("this answer is wrong only after other calls: asked for first, it is right", *verdict.details)
        line = MEMORY_BETWEEN_CALLS.format(line=verdict.unsteady.subject)
        return dataclasses.replace(
            verdict, status="mistake", names=("state",), line=line, details=details, unsteady=None
        )
    one, other = _forked(again, others), _forked(again, others)
    name, line = ("state", MEMORY_BETWEEN_CALLS) if one.details == other.details else ("random", CHANCE)
    return dataclasses.replace(verdict, names=(name,), line=line.format(line=verdict.line), unsteady=None)


def _forked(request: CheckRequest, others: tuple[int, int]) -> Verdict:
    """The verdict of a fork of this process."""
    back, forth = os.pipe()
    pid = os.fork()
    if pid == 0:
        _answer(request, back, forth, others)
    os.close(forth)
    parts = []
    while part := os.read(back, 65536):
        parts.append(part)
    os.close(back)
    os.waitpid(pid, 0)
    whole = b"".join(parts)
    return Verdict.read(whole) if whole else FAILED


def _answer(request: CheckRequest, back: int, forth: int, others: tuple[int, int]) -> None:
    """In a fork of the warm process: fork the learner's process, judge, write the verdict, end."""
    try:
        os.close(back)
        os.setpgid(0, 0)
        die_with_parent()
        adopt_orphans()
        for fd in others:
            os.set_inheritable(fd, False)
        child = Child()
        exercise = Exercise(request.exercise, Path(request.folder))
        try:
            verdict = (repeated if request.repeat else judged)(exercise, request, child)
        except Exception:
            child.close()
            verdict = dataclasses.replace(
                FAILED,
                line="the judge itself failed on this exercise.",
                details=tuple(traceback.format_exc().splitlines()),
            )
        verdict = dataclasses.replace(verdict, exercise=request.exercise, path=request.path, seed=request.seed)
        data = verdict.printable().message()
        while data:
            data = data[os.write(forth, data) :]
    finally:
        os._exit(0)


if __name__ == "__main__":
    main_loop(0, 1)

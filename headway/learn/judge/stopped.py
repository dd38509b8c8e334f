"""The verdicts on code that raises where nothing was asked of it yet, and on code that had to be stopped."""

from __future__ import annotations

import re
import signal

from headway.learn.cases import Law, fill
from headway.learn.judge.child import Load
from headway.learn.judge.forbidden import ANSWERS, reason_for
from headway.learn.judge.perform import Raised
from headway.learn.judge.process import PRINTED, Stopped
from headway.learn.judge.showing import sizes_told
from headway.learn.judge.trials import Run
from headway.learn.judge.verdict import Verdict
from headway.learn.judge.words import one_line


def source_line(run: Run, line: int) -> str:
    """A line of the learner's file, shortened."""
    return one_line(run.lines[line - 1])[:120] if 0 < line <= len(run.lines) else ""


def raised_line(run: Run, error: Raised) -> tuple[str, list[str]]:
    """``ValueError in line 12, `...`: text`` and the frames that lead there."""
    mine = [f for f in error.frames if f[0] == run.path]
    number = mine[-1][1] if mine and isinstance(mine[-1][1], int) else None
    where = f" in line {number}, `{source_line(run, number)}`" if number else ""
    message = one_line(error.message)[:300]
    text = f"{one_line(error.type)}{where}" + (f": {message}" if message else "")
    frames = [f"  line {f[1]}: {source_line(run, f[1])}" for f in mine if isinstance(f[1], int)]
    return text, frames if len(frames) > 1 else []


def undone(run: Run, error: Raised | None) -> bool:
    """Whether an exception says that something is not written yet: a `raise NotImplementedError` of the learner's file, and
    not PyTorch's own, which it raises for an operation that a type does not have."""
    if error is None or "NotImplementedError" not in error.kinds:
        return False
    mine = [f for f in error.frames if f[0] == run.path and isinstance(f[1], int)]
    line = source_line(run, mine[-1][1]) if mine else ""
    return bool(run.instead) or not line or "NotImplementedError" in line or line.lstrip().startswith("raise")


def unmade(run: Run, error: Raised | None, entry: str) -> Verdict:
    """The verdict on a class of which no object can be made."""
    assert error is not None
    if undone(run, error):
        return Verdict("unfinished", f"not written yet: {entry} raises NotImplementedError.")
    return raised_outside(run, error, f"making a {entry}")


def raised_outside(run: Run, error: Raised, doing: str) -> Verdict:
    """The verdict on a file that cannot even be run."""
    line, frames = raised_line(run, error)
    hint = ""
    if "ModuleNotFoundError" in error.kinds and error.name:
        hint = f" Nothing called '{one_line(error.name)}' is installed here."
    return Verdict("raised", f"{doing} raises {line}.{hint}", details=tuple(frames))


def stopped_short(run: Run, stopped: Stopped, load: Load) -> Verdict:
    """The verdict on code that did not give an answer of its own accord."""
    where, law = "", None
    asked, sizes = run.at or (None, {})
    if isinstance(asked, Law):
        law = fill(asked.sentence, sizes)
    elif asked is not None:
        where = f" ({asked.name}, {sizes_told(sizes)})"
    how, text = stopped.how, stopped.text
    if how == "timeout":
        took = f"{load.seconds:g} s" if stopped.busy else f"{load.wall:g} s on the clock"
        lines = re.findall(rf'File "{re.escape(run.path)}", line (\d+)', text)
        spot = f" in line {lines[0]}, `{source_line(run, int(lines[0]))}`" if lines else ""
        return Verdict(
            "timeout",
            f"stopped after {took}, still running{spot}{where}: an endless loop, or a very slow one.",
            details=(f"where it was to be seen whether {law}",) if law else (),
        )
    if how == "printing":
        return Verdict("timeout", f"stopped after {PRINTED >> 20} MB of output{where}: something prints without end.")
    if how == "memory":
        much = f"{load.memory >> 20} MB"
        return Verdict("memory", f"stopped at {much} of memory{where}: something grows without end.")
    if how == "exit called":
        return Verdict("exited", f"your code calls exit{where}: take that call out.")
    if how == "not allowed":
        name = text.removeprefix("forbidden ")
        if name != text:
            reason = reason_for(name, run.contract.forbidden)
            return Verdict("forbidden", f"your code calls {name}, which this exercise does not allow: {reason}.")
        return Verdict("forbidden", f"{one_line(text)}.")
    if how == "refused":
        what = text.partition(": ")[2] or text
        if text.startswith("import"):
            return Verdict("forbidden", f"your file imports {what}: {ANSWERS}; write it out instead.")
        where = what if what.startswith("/") else f"headway/{what}"
        return Verdict("forbidden", f"your file reads {where}, where the answers are: write it out instead.")
    if how == "exited":
        ended = f"your code ends the whole process{where} (os._exit, or a crash of the interpreter): code {text}."
        return Verdict("exited", ended)
    if how == "signal":
        known = text.isdigit() and int(text) in set(signal.Signals)
        name = signal.Signals(int(text)).name if known else text
        return Verdict("exited", f"your code crashes the interpreter{where}: {name}.")
    return Verdict(
        "garbled", f"your code writes into the judge's own channel{where}, or closes it: leave file descriptors alone."
    )

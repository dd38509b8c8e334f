"""Inputs and results as a learner reads them: the call as one would write it, what was expected, what came, and where."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

from headway.learn.judge.compare import brief, numbers, one_line, shaped, told_apart, value_line
from headway.learn.judge.draws import allowed_sizes, least, most
from headway.learn.judge.perform import Raised
from headway.learn.judge.trials import Run, Trial
from headway.learn.judge.verdict import Verdict

BEHIND = ("gradient", "in-place", "marked", "global")
"""Kinds of differences that are looked at only where the result is right."""


def telling_first(wrong: list[Trial]) -> list[Trial]:
    """Wrong trials, those first whose sizes tell the axes apart: none is 1, many differ. A wrong result says more than a wrong
    gradient behind a right one."""

    def order(t: Trial) -> tuple[bool, bool, int]:
        behind = t.difference is not None and t.difference.kind in BEHIND
        return behind, min(t.draw.sizes.values(), default=0) < 2, -len(set(t.draw.sizes.values()))

    return sorted(wrong, key=order)


def subject_of(run: Run, entry: str) -> str:
    """Which function is meant, where there are several."""
    return f"`{entry}`: " if len(run.entries) > 1 else ""


def capital(line: str) -> str:
    """A capital at the start, unless a sentence starts with a name from the code."""
    first = line.split()[0]
    return line if (len(first) == 1 and first != "a") or not first.isalpha() else line[0].upper() + line[1:]


def facts_of(run: Run, trial: Trial) -> dict[str, Any]:
    """What a sentence may speak of: the sizes, and the arguments that are plain, defaults of the reference included."""
    facts: dict[str, Any] = dict(trial.draw.sizes)
    reference = run.contract.references[trial.call.entry]
    defaults = {name: p.default for name, p in inspect.signature(reference).parameters.items()}
    for name, value in {**defaults, **(trial.call.made or {}), **trial.call.arguments}.items():
        if isinstance(value, bool | int | float | str):
            facts[name] = value
    return facts


def pattern_of(run: Run, entry: str, shown: Trial | None = None) -> list[str]:
    """In which cases the answer is right and in which it is wrong; `shown` as in `only_where`."""
    good, bad = [], []
    for case in run.cases:
        mine = [t for t in run.trials if t.case is case and t.call.entry == entry]
        if mine:
            failed = sum(t.difference is not None for t in mine)
            share = f" ({failed} of {len(mine)})" if 0 < failed < len(mine) else ""
            (bad if failed else good).append(case.name + share)
    lines = [f"wrong: {', '.join(bad)}"] if bad else []
    lines += [f"right: {', '.join(good)}"] if good else []
    return lines + ([only] if (only := only_where(run, entry, shown)) else [])


def only_where(run: Run, entry: str, shown: Trial | None = None) -> str | None:
    """``wrong only where b is 2 or more``, if a bound on one size parts the wrong inputs from the right ones.

    Only sizes that a learner knows: an axis or an argument of the call. Cases whose inputs are all right do not count: what they
    ask may be the reason, and not their sizes. And only what was tried: wrong inputs become right with this size alone beyond
    the bound. `shown` is a wrong input that the sentence will speak of. Found out once for each verdict.
    """
    key = entry, None if shown is None else id(shown)
    if key not in run.bounds:
        run.bounds[key] = _bound(run, entry, shown)
    return run.bounds[key]


def _bound(run: Run, entry: str, shown: Trial | None) -> str | None:
    """What `only_where` says, tried on the learner's code."""
    mine = [t for t in run.trials if t.call.entry == entry]
    told = {id(t.case) for t in mine if t.difference}
    mine = [t for t in mine if id(t.case) in told]
    wrong = [t for t in mine if t.difference]
    bad, good = [t.draw.sizes for t in wrong], [t.draw.sizes for t in mine if not t.difference]
    bad += [shown.draw.sizes] if shown is not None else []
    known = {word for t in mine for axes in t.draw.axes.values() for word in axes.replace("*", " ").split()}
    known |= {name for t in mine for name in t.call.arguments}
    for name in (name for name in run.ranges if name in known and len(wrong) > 2):
        low, high = min(sizes[name] for sizes in bad), max(sizes[name] for sizes in bad)
        below, above = [s for s in good if s[name] < low], [s for s in good if s[name] > high]
        # A few right ones among the wrong are let pass: there an error may not show.
        if len(below) > 1 and len(good) - len(below) <= len(bad) // 4 and _right_with(run, wrong, name, low - 1):
            return f"wrong only where {name} is {low} or more"
        if len(above) > 1 and len(good) - len(above) <= len(bad) // 4 and _right_with(run, wrong, name, high + 1):
            return f"wrong only where {name} is {high}{' or less' if high > 1 else ''}"
        beside = len(below) + len(above)
        alone = low == high and len(below) > 1 and len(above) > 1 and len(good) - beside <= len(bad) // 4
        if alone and all(_right_with(run, wrong, name, size) for size in (low - 1, high + 1)):
            return f"wrong only where {name} is {high}"
    return None


def _right_with(run: Run, wrong: list[Trial], name: str, size: int) -> bool:
    """Whether wrong inputs, three at most, are right once one of their sizes is changed to this."""
    tried = 0
    for trial in wrong:
        ranges, sizes = {**run.ranges, **trial.case.sizes}, {**trial.draw.sizes, name: size}
        fits = least(ranges[name]) <= size <= most(ranges[name], ranges)
        if tried < 3 and fits and allowed_sizes(ranges, sizes, run.contract.valid):
            with contextlib.suppress(RuntimeError):  # sizes that the reference itself does not take
                if run.try_one(trial.case, sizes, trial.manner, trial.index).difference:
                    return False
                tried += 1
    return tried > 0


def sizes_told(sizes: dict[str, int]) -> str:
    """``b = 2, t = 3``."""
    return ", ".join(f"{name} = {value}" for name, value in sizes.items())


def argument_line(trial: Trial) -> str:
    """The call as one would write it, tensors by axes and shape."""
    import torch

    def shown(name: str, value: Any) -> str:
        if isinstance(value, torch.Tensor):
            return f"{name} {shaped(value.shape, trial.draw.axes.get(id(value), ''))}"
        return f"{name} = {brief(value, 60)}"

    made = f"({', '.join(shown(n, v) for n, v in trial.call.made.items())})" if trial.call.made is not None else ""
    steps = []
    for method, arguments in trial.call.steps:
        inner = ", ".join(shown(n, v) for n, v in arguments.items())
        steps.append(f"{'' if method in ('', '__call__') else '.' + method}({inner})")
    return f"{trial.call.entry}{made}{''.join(steps)}"


MANNERS_TOLD = {
    "float32": " in float32",
    "bfloat16": " in bfloat16",
    "strided": " on inputs that are not contiguous",
    "offset": " on inputs that are views of a larger tensor",
}


def show_trial(trial: Trial) -> list[str]:
    """The input, what was expected and what came, in a few lines."""
    import torch

    expected, came = trial.expected, trial.came
    lines = [f"{trial.case.name}{MANNERS_TOLD.get(trial.manner, '')}: {argument_line(trial)}"]
    for name, value in trial.call.arguments.items():
        if isinstance(value, torch.Tensor) and value.numel() <= 16:
            lines.append(f"  {name} = {numbers(value)}")
    found = trial.difference
    if found is not None and found.kind == "gradient" and found.expected is not None and found.came is not None:
        right, theirs = told_apart(found.expected, found.came, value_line)
        return [*lines, f"  gradient expected {right}", f"  gradient came     {theirs}"]
    right = f"{expected.raised.type}" if expected.raised else ""
    theirs = f"{one_line(came.raised.type)}: {one_line(came.raised.message)[:300]}" if came.raised else ""
    if expected.result is not None and came.result is not None:
        right, theirs = told_apart(expected.result.value, came.result.value, value_line)
    elif expected.result is not None:
        right = value_line(expected.result.value)
    elif came.result is not None:
        theirs = value_line(came.result.value)
    return [*lines, *([f"  expected {right}"] if right else []), *([f"  came     {theirs}"] if theirs else [])]


# -- exceptions ----------------------------------------------------------------------------------------------------------


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

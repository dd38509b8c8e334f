"""Inputs and results as a learner reads them: the call as one would write it, what was expected, what came, and where."""

from __future__ import annotations

import inspect
from typing import Any

from headway.learn.judge.trials import Run, Trial
from headway.learn.judge.words import brief, numbers, one_line, shaped, told_apart, value_line


def telling_first(wrong: list[Trial]) -> list[Trial]:
    """Wrong trials, those first whose sizes tell the axes apart: none is 1, many differ."""
    return sorted(wrong, key=lambda t: (min(t.draw.sizes.values(), default=0) < 2, -len(set(t.draw.sizes.values()))))


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


def pattern_of(run: Run, entry: str) -> list[str]:
    """In which cases the answer is right and in which it is wrong."""
    good, bad = [], []
    for case in run.cases:
        mine = [t for t in run.trials if t.case is case and t.call.entry == entry]
        if mine:
            failed = sum(t.difference is not None for t in mine)
            share = f" ({failed} of {len(mine)})" if 0 < failed < len(mine) else ""
            (bad if failed else good).append(case.name + share)
    lines = [f"wrong: {', '.join(bad)}"] if bad else []
    lines += [f"right: {', '.join(good)}"] if good else []
    return lines + ([only] if (only := only_where(run, entry)) else [])


def only_where(run: Run, entry: str) -> str | None:
    """``wrong only where b is 2 or more``, if a bound on one size parts the wrong inputs from the right ones."""
    mine = [t for t in run.trials if t.call.entry == entry]
    bad, good = [t.draw.sizes for t in mine if t.difference], [t.draw.sizes for t in mine if not t.difference]
    for name in run.ranges if len(bad) > 2 else ():
        low, high = min(sizes[name] for sizes in bad), max(sizes[name] for sizes in bad)
        below, above = [s for s in good if s[name] < low], [s for s in good if s[name] > high]
        # A few right ones among the wrong are let pass: there an error may not show.
        if len(below) > 1 and len(good) - len(below) <= len(bad) // 4:
            return f"wrong only where {name} is {low} or more"
        if len(above) > 1 and len(good) - len(above) <= len(bad) // 4:
            return f"wrong only where {name} is {high}{' or less' if high > 1 else ''}"
    return None


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
    right = f"{expected.raised.type}" if expected.raised else ""
    theirs = f"{one_line(came.raised.type)}: {one_line(came.raised.message)[:300]}" if came.raised else ""
    if expected.result is not None and came.result is not None:
        right, theirs = told_apart(expected.result.value, came.result.value, value_line)
    elif expected.result is not None:
        right = value_line(expected.result.value)
    elif came.result is not None:
        theirs = value_line(came.result.value)
    return [*lines, *([f"  expected {right}"] if right else []), *([f"  came     {theirs}"] if theirs else [])]

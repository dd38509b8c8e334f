"""What is said of a wrong answer: the mistake by name, or the most that can be said without one, and no more than was tried."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import re
from collections.abc import Iterable
from typing import Any

from headway.learn.cases import fill
from headway.learn.judge.compare import brief, close, departure, differs, one_line, shaped, short, told_apart
from headway.learn.judge.draws import allowed_sizes, least
from headway.learn.judge.guesses import guessed
from headway.learn.judge.intermediates import first_to_depart, low_precision
from headway.learn.judge.laws import BrokenLaw
from headway.learn.judge.perform import CallResult, Raised, leaves
from headway.learn.judge.recognise import recognised
from headway.learn.judge.showing import (
    BEHIND,
    argument_line,
    capital,
    only_where,
    pattern_of,
    raised_line,
    show_trial,
    source_line,
    subject_of,
    telling_first,
    undone,
)
from headway.learn.judge.trials import CALLED_AGAIN, Run, Trial
from headway.learn.judge.verdict import Unsteady, Verdict

CHANCE = "{line}The same input gives another result each time: something in your code is random."
MEMORY_BETWEEN_CALLS = (
    "{line}The same input does not always give the same result: your code remembers something from call to call."
)

TRIES = 80
"""Smaller inputs tried, at most, to find the smallest that is wrong."""


def explained(run: Run, wrong: list[Trial], broken: BrokenLaw | None) -> Verdict:
    """Name the mistakes behind the wrong trials, or show the smallest of them; and say what is not written yet."""
    unwritten = [
        entry for entry in run.entries if any(undone(run, t.came.raised) for t in wrong if t.call.entry == entry)
    ]
    missing = {entry: verdict for entry, verdict in run.failed.items() if verdict.status in ("unfinished", "missing")}
    parts = [verdict for entry, verdict in run.failed.items() if entry not in missing]
    suspect: Unsteady | None = None
    for entry in run.entries:
        mine = [t for t in wrong if t.call.entry == entry]
        if mine and entry not in unwritten:
            parts.append(recognised(run, entry, mine) or guessed(run, entry, mine) or _general(run, mine, broken))
            if parts[-1].status == "wrong" and not run.instead and suspect is None:
                suspect = _suspected(run, mine)
    if unsteady := next((part for part in parts if part.unsteady), None):
        return unsteady  # what comes and goes may be behind everything else: it is said alone
    if not parts:
        return _unfinished(run, unwritten, missing)
    status = "mistake" if all(p.status == "mistake" for p in parts) else parts[0].status
    if any(p.status == "mistake" for p in parts):
        parts.sort(key=lambda p: p.status != "mistake")
    line = " ".join(p.line for p in parts[:2])
    left = [entry for entry in run.entries if entry in unwritten or entry in missing]
    return Verdict(
        status,
        f"{line} Not written yet: {' and '.join(left)}." if left else line,
        names=tuple(name for p in parts for name in p.names),
        details=(*(text for p in parts for text in p.details), *run.notes),
        unsteady=suspect,
    )


def _unfinished(run: Run, unwritten: list[str], missing: dict[str, Verdict]) -> Verdict:
    """Nothing that is written is wrong: what is left to write."""
    right = [e for e in run.entries if any(t.call.entry == e for t in run.trials) and e not in unwritten]
    more = f"; {' and '.join(right)} already right" if right else ""
    if not unwritten:
        first = next(iter(missing.values()))
        return Verdict(
            first.status, first.line if not right else f"{first.line.rstrip('.')}{more}.", details=first.details
        )
    if absent := [entry for entry, verdict in missing.items() if verdict.status == "missing"]:
        more += f"; the file defines no {' and no '.join(f'`{entry}`' for entry in absent)}"
    left = [*unwritten, *(entry for entry, verdict in missing.items() if verdict.status == "unfinished")]
    raises = "raises" if len(left) == 1 else "raise"
    return Verdict("unfinished", f"not written yet: {' and '.join(left)} {raises} NotImplementedError{more}.")


def _general(run: Run, wrong: list[Trial], broken: BrokenLaw | None) -> Verdict:
    """No known mistake: say what can be said of any wrong answer, on the smallest input that shows it."""
    raising = [t for t in wrong if t.difference and t.difference.kind == "raised"]
    # Gradients, and what else a call may do, are looked at only where the result is right: a wrong result says more.
    wrong = [t for t in wrong if t.difference and t.difference.kind not in BEHIND] or wrong
    telling = telling_first(raising or wrong)[0]
    entry = telling.call.entry
    if unsteady := _unsteady(run, wrong, telling):
        return unsteady
    if telling.case.name.endswith(CALLED_AGAIN):
        # Fresh modules were right on every input before: these cases are run last.
        return Verdict(
            "mistake",
            f"{subject_of(run, entry)}A new {entry} is right on every input, but one that has been called before is not: it "
            "keeps something of the first input (a mask, keys, a length) that does not fit the next.",
            names=("state",),
            details=(*pattern_of(run, entry), *show_trial(telling)),
        )
    if (again := next((t for t in wrong if _right_when_new(run, t)), None)) is not None:
        return Verdict(
            "mistake",
            f"{subject_of(run, entry)}A new {entry} is right on every input of a series, but one that has been called before "
            "is not: it keeps something of an earlier call (a mask, keys, a length) that does not belong to the next.",
            names=("state",),
            details=(*pattern_of(run, entry), *show_trial(again)),
        )
    trial = _smallest(run, raising or wrong)
    difference = trial.difference
    assert difference is not None
    kind = difference.kind
    changed = _changed(trial) if kind in ("values", "nan", "in-place") else ""
    also = [f"your code changes its input{changed} in place as well"] if changed and kind != "in-place" else []
    pattern = pattern_of(run, entry, trial)
    if kind == "raised" and not any(t.manner == trial.manner and t.difference is None for t in run.trials):
        pattern = []

    def verdict(line: str, name: str | None = None, details: Iterable[str] = ()) -> Verdict:
        return Verdict(
            "mistake" if name else "wrong",
            capital(subject_of(run, entry) + line),
            names=(name,) if name else (),
            details=(*pattern, *also, *details, *show_trial(trial)),
        )

    if trial.manner in ("strided", "offset") and kind in ("raised", "values", "shape", "nan"):
        return verdict(_layout_line(trial), "layout")
    if kind == "raised":
        return _raising(run, trial, pattern)
    if kind == "in-place":
        what = "tensor" if any(leaves(value) for value in trial.call.arguments.values()) else "value"
        return verdict(
            f"your code changes its input{changed} in place: the caller's {what} is another after the call.", "in-place"
        )
    if kind == "marked":
        return verdict(
            f"the result is right but{_marked(trial)} is left with a gradient of your call on it (`.grad`), or asking for one "
            "(`requires_grad`): it is the caller's. Take `w.detach().clone().requires_grad_()`, and the gradients of that.",
            "marked",
        )
    if kind == "global":
        return verdict(f"{difference.text}.", "global")
    if kind == "dtype":
        given = {short(leaf.dtype) for value in trial.call.arguments.values() for leaf in leaves(value)}
        asked = (
            ": the result has to have the dtype of the inputs"
            if any(re.search(rf"not {name}\b", difference.text) for name in given if "float" in name)
            else ""
        )
        return verdict(f"{difference.text}{asked}.", "dtype")
    if kind == "gradient":
        return verdict(_gradient_line(trial, difference.text), "gradient")
    call = argument_line(trial)
    if kind == "none":
        return verdict(f"{difference.text}, on {call}: is a `return` missing?", "none")
    if kind == "type":
        return verdict(f"{difference.text}, on {call}.", "type")
    if kind in ("shape", "raises"):
        return verdict(f"{difference.text}, on {call}.")
    if telling.difference and telling.difference.size < 1e-5 and telling.dtype == "float64":
        if found := low_precision(run, telling):
            number, dtype = found
            return verdict(
                f"the result is right to about 7 digits only: line {number} works in {dtype}, where the inputs are "
                f"float64: `{source_line(run, number)}`.",
                "precision",
            )
        if all(t.difference.size < 1e-5 for t in wrong if t.difference):
            off = max(t.difference.size for t in wrong if t.difference)
            return verdict(
                f"the numbers are off by about {off:.0e} of their size on {call}: {_expected_and_came(trial)}."
            )
    # The smallest input is the easiest to follow, but at sizes of 1 much is equal that is not the same.
    trace = first_to_depart(run, telling)
    if kind != "nan" and (like := _transformed(run, wrong)):
        return verdict(f"{like[1]}.", like[0], trace)
    if trace:
        nan = f"{difference.text}; " if kind == "nan" else ""
        only = only_where(run, entry, trial)
        return verdict(f"{nan}{trace[0]}{f' ({only})' if only else ''}.", None, trace[1:])
    if kind == "nan":
        return verdict(f"{difference.text}, on {call}.")
    if broken is not None:
        law = fill(broken.law.sentence, broken.sizes)
        return verdict(f"{law}; wrong {_kind_of(trial)} {_on(run, trial)}: {_expected_and_came(trial)}.", None, trace)
    return verdict(f"wrong {_kind_of(trial)} {_on(run, trial)}: {_expected_and_came(trial)}.")


def _on(run: Run, trial: Trial) -> str:
    only, call = only_where(run, trial.call.entry, trial), argument_line(trial)
    place = f"in {trial.difference.where}, " if trial.difference and trial.difference.where.startswith("item") else ""
    return f"{place}{only.removeprefix('wrong ')}, for instance on {call}" if only else f"{place}on {call}"


def _expected_and_came(trial: Trial) -> str:
    """``expected 0.8391, came 0.8392``: the whole result, or the one of several that is wrong."""
    found = trial.difference
    if found is not None and found.where.startswith("item"):
        pair: tuple[Any, Any] = (found.expected, found.came)
    else:
        pair = (_value_of(trial.expected), _value_of(trial.came))
    right, theirs = told_apart(*pair, lambda value, digits: brief(value, 80 + 16 * (digits > 4), digits + 2))
    return f"expected {right}, came {theirs}"


def _kind_of(trial: Trial) -> str:
    """``numbers``; ``text`` or ``values`` where the result, or what is wrong in it, is text, or True and False."""
    found = trial.difference
    value = found.expected if found is not None and found.where.startswith("item") else _value_of(trial.expected)
    truth = isinstance(value, bool) or str(getattr(value, "dtype", "")) == "torch.bool"
    return "text" if isinstance(value, str) else "values" if truth else "numbers"


def _value_of(came: CallResult) -> Any:
    return came.result.value if came.result else None


def _layout_line(trial: Trial) -> str:
    """What is wrong with an answer that is right on the same numbers where they lie side by side in memory."""
    error = trial.came.raised
    more = f" ({one_line(error.message)[:100]})" if error else ""
    if trial.manner == "offset":
        does = "raises" if error else "gives other numbers"
        return (
            "your code is right only on tensors that fill their memory: on a view of a larger one, as `x[1::2]` is, with the "
            f"same numbers it {does}{more}."
        )
    if error and "view" in error.message:
        return (
            "your code is right only on tensors that lie contiguously in memory; after a transpose they do not, and "
            f"`view` has to become `reshape`{more}."
        )
    does = "raises" if error else "gives other numbers"
    return (
        "your code is right only on tensors that lie contiguously in memory: after a transpose they do not, and on the same "
        f"numbers it {does}{more}."
    )


def _raising(run: Run, trial: Trial, pattern: list[str]) -> Verdict:
    expected = trial.expected.result
    line, frames = raised_line(run, trial.came.raised or Raised("", "", [], []))
    axes = run.contract.returns.get(trial.call.entry, "")
    want = f" Expected {_value_shape(expected.value, axes)}." if expected is not None else ""
    return Verdict(
        "raised",
        f"{subject_of(run, trial.call.entry)}{line} on {argument_line(trial)}.{want}",
        details=(*pattern, *frames, *show_trial(trial)[1:]),
    )


def _unsteady(run: Run, wrong: list[Trial], telling: Trial) -> Verdict | None:
    """Whether the answer to an input that was right is now wrong, or an input has two answers: chance, or memory.

    Which of the two it is, the warm process finds out.
    """
    entry = telling.call.entry
    suspect = None
    if telling.manner != "float64" and run.try_one(telling.case, telling.draw.sizes, index=telling.index).difference:
        suspect = dataclasses.replace(telling, manner="float64")
    before = [t for t in run.trials if t.call.entry == entry and t.manner == "float64" and t.difference is None]
    if suspect is None:
        suspect = next((t for t in telling_first(before)[:2] if run.compare(t, run.ask(t))), None)
    if suspect is None:
        few = [t for t in telling_first(wrong)[:3] if t.difference and t.difference.kind in ("values", "nan")]
        suspect = next((t for t in few if _differ(t.came, run.ask(t))), None)
    if suspect is None and not _remembered(run, wrong):
        return None
    at = suspect or telling
    return Verdict(
        "mistake",
        subject_of(run, entry),
        names=("state",),
        details=(*pattern_of(run, entry), *show_trial(telling)),
        unsteady=Unsteady(at.case.name, at.draw.sizes, at.index, at.manner),
    )


def _suspected(run: Run, wrong: list[Trial]) -> Unsteady | None:
    """A wrong input that was asked for after others, and may be right without them; None where there is none."""
    first = next((t for t in run.trials if t.call.entry == wrong[0].call.entry), None)
    later = [t for t in wrong if t is not first and t.difference and t.difference.kind in ("values", "nan", "shape")]
    if not later:
        return None
    at = telling_first(later)[0]
    return Unsteady(at.case.name, at.draw.sizes, at.index, at.manner, True, subject_of(run, at.call.entry))


def _remembered(run: Run, wrong: list[Trial]) -> bool:
    """Whether a wrong result is the right one of an earlier input of other numbers.

    One number, or many that are all the same, are met by chance.
    """
    for trial in wrong:
        came = _single(trial.came)
        for other in run.trials if came is not None and len(came.unique()) > 1 else ():
            if other is trial:
                break
            right = _single(other.expected)
            if right is None or other.call.entry != trial.call.entry or not close(came, right, 1e-9):
                continue
            if not _same_numbers(trial.call.arguments, other.call.arguments):
                return True
    return False


def _same_numbers(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether the tensors among two calls' arguments hold the same numbers, of whatever type."""
    pairs = itertools.zip_longest(*([t for value in given.values() for t in leaves(value)] for given in (one, other)))
    return all(
        a is not None and b is not None and a.shape == b.shape and close(a.double(), b.double(), 1e-6) for a, b in pairs
    )


def _right_when_new(run: Run, trial: Trial) -> bool:
    """Whether a module that is wrong when it is called several times is right on each of the inputs where it is new."""
    steps = trial.request.steps
    if len(steps) < 2 or trial.call.made is None or not run.is_module(trial.call.entry):
        return False
    for step in steps:
        alone = dataclasses.replace(trial.request, steps=[step], gradient=False, cotangents=None)
        right = run.result(run.contract.references[trial.call.entry], alone)
        came = run.answer(run.child.ask("call", alone))
        if right.result is None or came.result is None:
            return False
        if differs(right.result.value, came.result.value, run.limit(trial)) is not None:
            return False
    return True


def _differ(one: CallResult, other: CallResult) -> bool:
    """Whether two results of the learner's code on one input differ."""
    if one.result is None or other.result is None:
        return False
    try:
        return differs(one.result.value, other.result.value, 1e-9) is not None
    except TypeError:
        return False


def _value_shape(value: Any, axes: str) -> str:
    import torch

    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {shaped(value.shape, axes)}"
    if isinstance(value, list | tuple) and value and all(isinstance(v, torch.Tensor) for v in value):
        parts = [p.strip() for p in axes.split(",")]
        return " and ".join(shaped(v.shape, parts[n] if n < len(parts) else "") for n, v in enumerate(value))
    return brief(value, 80)


def _single(came: CallResult) -> Any:
    import torch

    value = _value_of(came)
    return value if isinstance(value, torch.Tensor) and value.is_floating_point() else None


def _changed(trial: Trial) -> str:
    """`` `q` ``: the arguments that came back changed."""
    names = []
    right, theirs = trial.expected.result, trial.came.result
    altered = theirs.altered if theirs else []
    for step, (_, arguments) in enumerate(trial.call.steps):
        before = right.after[step] if right and step < len(right.after) else []
        after = theirs.after[step] if theirs and step < len(theirs.after) else []
        if step < len(altered) and isinstance(altered[step], list):
            names += [name for n, name in enumerate(arguments) if n in altered[step]]
        at = 0
        for name, value in arguments.items():
            for _ in leaves(value):
                if at < min(len(before), len(after)) and not close(after[at], before[at], 1e-12):
                    names.append(name)
                at += 1
    return f" `{'`, `'.join(dict.fromkeys(names))}`" if names else ""


def _marked(trial: Trial) -> str:
    """`` `weights` ``: the arguments that came back with a gradient, or asking for one."""
    places = trial.came.result.marked if trial.came.result else []
    steps = zip(trial.call.steps, places, strict=False)
    names = [name for (_, given), of in steps if isinstance(of, list) for n, name in enumerate(given) if n in of]
    return f" `{'`, `'.join(dict.fromkeys(names))}`" if names else " an argument"


def _floating(name: str, value: Any) -> list[str]:
    """What the floating tensors in an argument are called: `` `x` ``, `` `weights['up.bias']` ``."""
    if isinstance(value, dict):
        return [part for key, item in value.items() for part in _floating(f"{name}[{key!r}]", item)]
    if isinstance(value, list | tuple):
        return [part for n, item in enumerate(value) for part in _floating(f"{name}[{n}]", item)]
    return [f"`{name}`" for leaf in leaves(value) if leaf.is_floating_point()]


def _gradient_line(trial: Trial, text: str) -> str:
    """What is wrong with a gradient: its number replaced by the name of what it belongs to, and what is seen of the cause."""
    names: list[str] = []
    for _, arguments in trial.call.steps:
        for name, value in arguments.items():
            names += _floating(name, value)
    names += [f"the weight `{name}`" for name in trial.request.weights or {}]

    def name(match: re.Match[str]) -> str:
        n = int(match[1])
        return names[n] if n < len(names) else "an input"

    text = re.sub(r"%(\d+)%", name, text)
    if text.endswith("NaN"):
        return (
            f"the result is right but {text}: an infinity or NaN on the way back, as of a branch that `where` or "
            "`masked_fill` throws away, spoils it."
        )
    if text.startswith("no gradient"):
        return f"the result is right but {text}: somewhere the graph is cut (`.data`, `.detach()`, `.item()`, `torch.tensor()`)."
    return f"the result is right but {text}: the way back is not that of the result (a part is cut off, or counted otherwise)."


def _smallest(run: Run, wrong: list[Trial]) -> Trial:
    """Make the sizes of a wrong trial as small as they go while it stays wrong."""
    trial = min(wrong, key=lambda t: sum(t.draw.sizes.values()))
    kind = trial.difference.kind if trial.difference else ""
    ranges = {**run.ranges, **trial.case.sizes}
    budget, progress = TRIES, True
    while progress and budget > 0:
        progress = False
        for name, size in list(trial.draw.sizes.items()):
            low = least(ranges[name])
            options = sorted(ranges[name]) if isinstance(ranges[name], list) else [low, (low + size) // 2, size - 1]
            for smaller in options:
                if smaller >= size or smaller < low or budget <= 0:
                    continue
                sizes = {**trial.draw.sizes, name: smaller}
                if not allowed_sizes(ranges, sizes, run.contract.valid):
                    continue
                budget -= 1
                with contextlib.suppress(RuntimeError):
                    tried = run.try_one(trial.case, sizes, trial.manner, trial.index)
                    if tried.difference and tried.difference.kind == kind:
                        trial, progress = tried, True
                        break
    return trial


def _transformed(run: Run, wrong: list[Trial]) -> tuple[str, str] | None:
    """Whether the result is the right one but for a factor, a sign or its order, on every wrong input: a name, and words."""
    factors: list[tuple[float, Trial]] = []
    for trial in wrong:
        came, expected = _single(trial.came), _single(trial.expected)
        if came is None or expected is None or came.shape != expected.shape or not expected.numel():
            return None
        e, c = expected.double().reshape(-1), came.double().reshape(-1)
        if not bool(e.isfinite().all() and c.isfinite().all()) or float(e.square().sum()) == 0:
            return None
        factor = float((c @ e) / e.square().sum())
        if departure(c, factor * e) > 1e-8 or abs(factor) < 1e-12:
            factors = []
            break
        factors.append((factor, trial))
    if factors:
        if all(abs(f + 1) < 1e-8 for f, _ in factors):
            return "sign", "the result has the wrong sign, and nothing else is wrong"
        names: dict[str, Any] = {
            "sqrt({n})": math.sqrt,
            "1/sqrt({n})": lambda n: 1 / math.sqrt(n),
            "{n}": float,
            "1/{n}": lambda n: 1 / n,
        }
        for pattern, value in names.items():
            for size in run.ranges:
                if all(t.draw.sizes[size] > 0 and abs(f - value(t.draw.sizes[size])) < 1e-8 * f for f, t in factors):
                    n, f = factors[0][1].draw.sizes[size], factors[0][0]
                    here = f"{pattern.format(n=size)} (here {f:.4g}, {size} = {n})"
                    return "factor", f"the result is the right one times {here}, and nothing else is wrong"
        first = factors[0][0]
        if all(abs(f - first) < 1e-8 * abs(first) for f, _ in factors) and abs(first - 1) > 1e-8:
            return "factor", f"the result is the right one times {first:.6g}, and nothing else is wrong"
    pairs = [(_single(t.came), _single(t.expected)) for t in wrong]
    if any(came is None or expected is None or came.shape != expected.shape for came, expected in pairs):
        return None
    telling = [(came, expected) for came, expected in pairs if expected.numel() > 2]
    if telling and all(close(c.reshape(-1).sort().values, e.reshape(-1).sort().values, 1e-9) for c, e in telling):
        words = "the numbers are right but stand in the wrong places, as when an axis is swapped or a reshape mixes two axes"
        return "places", words
    return None

"""What is wrong with a wrong answer: a known mistake by name, or the most that can be said without one."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import math
import re
import signal
import time
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from headway.learn.cases import Call, Case, Draw, Law, Mistake, combined, fill, noted
from headway.learn.comparing import (
    Outcome,
    brief,
    close,
    compare,
    departure,
    differs,
    numbers,
    one_line,
    shaped,
    short,
)
from headway.learn.judge_child import leaves
from headway.learn.judge_process import PRINTED, Stopped
from headway.learn.trials import Run, Trial, allowed_sizes, bound, draws_of, least


@dataclass(frozen=True)
class Broken:
    """A law, the sizes at which it does not hold, and what the learner's code raised there, if it did."""

    law: Law
    sizes: dict[str, int]
    error: dict | None = None


def explained(run: Run, wrong: list[Trial], broken: Broken | None) -> dict:
    """Name the mistakes behind the wrong trials, or show the smallest of them."""
    undone = [t for t in wrong if t.came.raised and "NotImplementedError" in t.came.raised["kinds"]]
    if undone:
        left = [e for e in run.entries if any(t.call.entry == e for t in undone)]
        right = [
            e
            for e in run.entries
            if any(t.call.entry == e for t in run.trials) and not any(t.call.entry == e for t in wrong)
        ]
        more = f"; {' and '.join(right)} already right" if right else ""
        return {
            "status": "unfinished",
            "line": f"not written yet: {' and '.join(left)} {'raises' if len(left) == 1 else 'raise'} NotImplementedError{more}.",
        }
    parts = []
    for entry in run.entries:
        mine = [t for t in wrong if t.call.entry == entry]
        if mine:
            parts.append(_named(run, entry, mine) or _general(run, mine, broken))
    status = "mistake" if all(p["status"] == "mistake" for p in parts) else parts[0]["status"]
    if any(p["status"] == "mistake" for p in parts):
        parts.sort(key=lambda p: p["status"] != "mistake")
    line = " ".join(p["line"] for p in parts[:2])
    return {
        "status": status,
        "names": [name for p in parts for name in p.get("names", [])],
        "line": line,
        "details": [*(text for p in parts for text in p.get("details", [])), *run.notes],
    }


UNSEEN = ("state", "random")
"""Kinds of mistakes that one call of the mistake by itself need not show."""


def mistakes_of(run: Run, entry: str) -> list[Mistake]:
    module = run.exercise.load("mistakes")
    return [m for m in all_mistakes(module) if (m.entry or run.entries[0]) == entry]


def all_mistakes(module: ModuleType) -> list[Mistake]:
    """Every mistake of a mistakes.py, in order."""
    found: list[Mistake] = []
    for value in vars(module).values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mistake) and item not in found:
                found.append(item)
    return found


def _same(run: Run, trial: Trial, answer: Any) -> bool:
    """Whether the learner's outcome is the one `answer` gives on the same input."""
    kind = trial.difference.kind if trial.difference else ""
    # Gradients are looked at only where nothing else is wrong; taking them may be what raised.
    request = trial.request if kind in ("gradient", "raised") else {**trial.request, "gradient": False}
    outcome = run.outcome(answer, request)
    if outcome.result is None or trial.came.result is None:
        return compare(outcome, trial.came, run.limit(trial)) is None
    try:
        if kind in ("gradient", "in-place", "global"):
            return compare(outcome, trial.came, run.limit(trial)) is None
        return differs(outcome.result["value"], trial.came.result["value"], run.limit(trial)) is None
    except TypeError:
        return False


def _named(run: Run, entry: str, wrong: list[Trial]) -> dict | None:
    """The mistake that gives what the learner's code gives on every input; or two that do so together."""
    mistakes = mistakes_of(run, entry)
    right = [t for t in run.trials if t.call.entry == entry and t.difference is None]
    first = _telling(wrong)
    for mistake in mistakes:
        if all(_same(run, t, mistake.answer) for t in (*first, *right)):
            return _sentence(run, [mistake], first)
    for one, other, answer in combined(mistakes):
        if all(_same(run, t, answer) for t in (*first, *right)):
            return _sentence(run, [one, other], first)
    # Two mistakes that show on different inputs: on every wrong one the answer is one or the other's, and each accounts
    # for an input of telling sizes that the other does not.
    few = first[:10]
    agree = {m.name: [_same(run, t, m.answer) for t in few] for m in mistakes}
    by_name = {m.name: m for m in mistakes}
    for a, b in itertools.combinations([name for name, with_few in agree.items() if any(with_few)], 2):
        pairs = list(zip(agree[a], agree[b], strict=True))
        if not all(x or y for x, y in pairs) or (True, False) not in pairs or (False, True) not in pairs:
            continue
        one, other = by_name[a].answer, by_name[b].answer
        if all(_same(run, t, one) or _same(run, t, other) for t in first) and all(
            _same(run, t, one) or _same(run, t, other) for t in right
        ):
            return _sentence(run, [by_name[a], by_name[b]], first)
    return None


def _sentence(run: Run, mistakes: list[Mistake], wrong: list[Trial]) -> dict:
    trial = wrong[0]
    facts = _facts(run, trial)
    texts = [m.told(facts) for m in mistakes]
    line = "; and ".join(text.rstrip(".") for text in texts)
    return {
        "status": "mistake",
        "names": [m.name for m in mistakes],
        "line": _capital(line) + ".",
        "details": _pattern(run, trial.call.entry) + show_trial(trial),
    }


def _capital(line: str) -> str:
    """A capital at the start, unless a sentence starts with a name from the code."""
    first = line.split()[0]
    return line if (len(first) == 1 and first != "a") or not first.isalpha() else line[0].upper() + line[1:]


def _facts(run: Run, trial: Trial) -> dict[str, Any]:
    """What a sentence may speak of: the sizes, and the arguments that are plain, defaults of the reference included."""
    facts: dict[str, Any] = dict(trial.draw.sizes)
    defaults = {n: p.default for n, p in inspect.signature(getattr(run.cases, trial.call.entry)).parameters.items()}
    for name, value in {**defaults, **(trial.call.made or {}), **trial.call.arguments}.items():
        if isinstance(value, bool | int | float | str):
            facts[name] = value
    return facts


def _pattern(run: Run, entry: str) -> list[str]:
    """In which cases the answer is right and in which it is wrong."""
    good, bad = [], []
    for case in run.all_cases():
        mine = [t for t in run.trials if t.case is case and t.call.entry == entry]
        if mine:
            failed = sum(t.difference is not None for t in mine)
            (bad if failed else good).append(
                case.name + (f" ({failed} of {len(mine)})" if 0 < failed < len(mine) else "")
            )
    lines = [f"wrong: {', '.join(bad)}"] if bad else []
    lines += [f"right: {', '.join(good)}"] if good else []
    return lines + ([f"{only}"] if (only := _only_where(run, entry)) else [])


def _only_where(run: Run, entry: str) -> str | None:
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
    return ", ".join(f"{name} = {value}" for name, value in sizes.items())


def _argument_line(trial: Trial) -> str:
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


def show_trial(trial: Trial) -> list[str]:
    """The input, what was expected and what came, in a few lines."""
    import torch

    manner = {"float32": " in float32", "strided": " on inputs that are not contiguous"}.get(trial.manner, "")
    lines = [f"{trial.case.name}{manner}: {_argument_line(trial)}"]
    for name, value in trial.call.arguments.items():
        if isinstance(value, torch.Tensor) and value.numel() <= 16:
            lines.append(f"  {name} = {numbers(value)}")
    if trial.expected.result is not None:
        lines.append(f"  expected {_value(trial.expected.result['value'])}")
    elif trial.expected.raised:
        lines.append(f"  expected {trial.expected.raised['type']}")
    if trial.came.result is not None:
        lines.append(f"  came     {_value(trial.came.result['value'])}")
    elif trial.came.raised:
        lines.append(f"  came     {trial.came.raised['type']}: {one_line(trial.came.raised['message'])[:300]}")
    return lines


def _value(value: Any) -> str:
    import torch

    if isinstance(value, torch.Tensor):
        return f"{tuple(value.shape)} {short(value.dtype)} {numbers(value)}"
    if isinstance(value, tuple | list) and any(isinstance(item, torch.Tensor) for item in value):
        return "; ".join(_value(item) for item in value)
    return brief(value, 300)


def _general(run: Run, wrong: list[Trial], broken: Broken | None) -> dict:
    """No known mistake: say what can be said of any wrong answer, on the smallest input that shows it."""
    raising = [t for t in wrong if t.difference and t.difference.kind == "raised"]
    telling = _telling(raising or wrong)[0]
    trial = _smallest(run, raising or wrong)
    difference = trial.difference
    assert difference is not None
    pattern = _pattern(run, trial.call.entry)
    shown = show_trial(trial)
    call = _argument_line(trial)
    axes = run.returns.get(trial.call.entry, "")
    subject = f"`{trial.call.entry}`: " if len(run.entries) > 1 else ""
    kind = difference.kind
    changed = _changed(trial) if kind in ("values", "nan", "in-place") else ""
    also = [f"your code changes its input{changed} in place as well"] if changed and kind != "in-place" else []

    def verdict(line: str, name: str | None = None, details: list[str] | None = None) -> dict:
        return {
            "status": "mistake" if name else "wrong",
            "names": [name] if name else [],
            "line": _capital(subject + line),
            "details": [*pattern, *also, *(details or []), *shown],
        }

    if _forgetful(run, trial.call.entry, telling):
        if _unsteady(run.ask(telling), run.ask(telling)):
            return verdict(RANDOM, "random")
        return verdict(FORGETFUL, "state")
    if trial.manner == "strided" and kind in ("raised", "values", "shape"):
        more = f" ({one_line(trial.came.raised['message'])[:100]})" if trial.came.raised else ""
        return verdict(
            "your code is right only on tensors that lie contiguously in memory; after a transpose they do not, and "
            f"`view` has to become `reshape`{more}.",
            "layout",
        )
    if kind == "raised":
        if not any(t.manner == trial.manner and t.difference is None for t in run.trials):
            pattern = []
        expected = trial.expected.result
        line, frames = _raised_line(run, trial.came.raised or {})
        want = f" Expected {_value_shape(expected['value'], axes)}." if expected is not None else ""
        return {
            "status": "raised",
            "names": [],
            "line": f"{subject}{line} on {call}.{want}",
            "details": pattern + frames + shown[1:],
        }
    if kind == "in-place":
        what = "tensor" if any(leaves(value) for value in trial.call.arguments.values()) else "value"
        return verdict(
            f"your code changes its input{changed} in place: the caller's {what} is another after the call.", "in-place"
        )
    if kind == "global":
        return verdict(f"{difference.text}.", "global")
    if kind == "dtype":
        return verdict(f"{difference.text}: the result has to have the dtype of the inputs.", "dtype")
    if kind == "gradient":
        text = _gradient_text(trial, difference.text)
        why = "somewhere the graph is cut or changed (`.data`, `.detach()`, `.item()`, `torch.tensor()`)"
        if text.endswith("NaN"):
            why = "an infinity or NaN on a branch that `where` or `masked_fill` throws away still spoils the way back"
        return verdict(f"the result is right but {text}: {why}.", "gradient")
    if kind == "none":
        return verdict(f"{difference.text}, on {call}: is a `return` missing?")
    if kind in ("type", "shape", "raises"):
        return verdict(f"{difference.text}, on {call}.")
    if any(_unsteady(t.came, run.ask(t)) for t in _telling(wrong)[:3]):
        return verdict(RANDOM, "random")
    if _remembered(run, wrong):
        return verdict(FORGETFUL, "state")
    if difference.size < 1e-5 and not trial.float32 and all(t.difference.size < 1e-5 for t in wrong if t.difference):
        return verdict(
            "the result is right to about 7 digits only: float64 inputs pass through float32 somewhere "
            "(`.float()`, a constant tensor or `arange` without dtype).",
            "precision",
        )
    # The smallest input is the easiest to follow, but at sizes of 1 much is equal that is not the same.
    trace = _departs(run, telling)
    if kind != "nan" and (text := _transformed(run, wrong)):
        return verdict(f"{text}.", None, trace)
    if trace:
        nan = f"{difference.text}; " if kind == "nan" else ""
        only = _only_where(run, trial.call.entry)
        return verdict(f"{nan}{trace[0]}{f' ({only})' if only else ''}.", None, trace[1:])
    if kind == "nan":
        return verdict(f"{difference.text}, on {call}.")
    if broken is not None:
        return verdict(f"{fill(broken.law.sentence, broken.sizes)}.", None, trace)
    only = _only_where(run, trial.call.entry)
    on = f"{only.removeprefix('wrong ')}, for instance on {call}" if only else f"on {call}"
    return verdict(f"wrong numbers {on}: expected {_brief_value(trial.expected)}, came {_brief_value(trial.came)}.")


RANDOM = "the same input gives another result each time: something in your code is random."
FORGETFUL = "the same input does not always give the same result: your code remembers something from call to call."


def _forgetful(run: Run, entry: str, wrong: Trial) -> bool:
    """Whether an input on which the answer was right is now answered wrongly."""
    if wrong.manner != "float64" and run.try_one(wrong.case, wrong.draw.sizes, index=wrong.index).difference:
        return True
    before = [t for t in run.trials if t.call.entry == entry and t.manner == "float64" and t.difference is None]
    return any(run.compare(t, run.ask(t)) for t in _telling(before)[:2])


def _telling(wrong: list[Trial]) -> list[Trial]:
    """Wrong trials, those first whose sizes tell the axes apart: none is 1, many differ."""
    return sorted(wrong, key=lambda t: (min(t.draw.sizes.values(), default=0) < 2, -len(set(t.draw.sizes.values()))))


def _remembered(run: Run, wrong: list[Trial]) -> bool:
    """Whether a wrong result is the right one of an earlier input."""
    for trial in wrong:
        came = _single(trial.came)
        for other in run.trials if came is not None and came.numel() > 1 else ():
            if other is trial:
                break
            right = _single(other.expected)
            if right is not None and other.call.entry == trial.call.entry and close(came, right, 1e-9):
                return True
    return False


def _unsteady(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes of the learner's code on one input differ."""
    if one.result is None or other.result is None:
        return False
    try:
        return differs(one.result["value"], other.result["value"], 1e-9) is not None
    except TypeError:
        return False


def _brief_value(outcome: Outcome) -> str:
    return brief((outcome.result or {}).get("value"), 80)


def _value_shape(value: Any, axes: str) -> str:
    import torch

    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {shaped(value.shape, axes)}"
    if isinstance(value, list | tuple) and value and all(isinstance(v, torch.Tensor) for v in value):
        parts = [p.strip() for p in axes.split(",")]
        return " and ".join(shaped(v.shape, parts[n] if n < len(parts) else "") for n, v in enumerate(value))
    return brief(value, 80)


def _single(outcome: Outcome) -> Any:
    import torch

    value = (outcome.result or {}).get("value")
    return value if isinstance(value, torch.Tensor) and value.is_floating_point() else None


def _changed(trial: Trial) -> str:
    """`` `q` ``: the arguments that came back changed."""
    names = []
    altered = (trial.came.result or {}).get("altered")
    for step, (_, arguments) in enumerate(trial.call.steps):
        before = trial.expected.result["after"][step] if trial.expected.result else []
        after = trial.came.result["after"][step] if trial.came.result else []
        if isinstance(altered, list) and step < len(altered) and isinstance(altered[step], list):
            names += [name for n, name in enumerate(arguments) if n in altered[step]]
        at = 0
        for name, value in arguments.items():
            for _ in leaves(value):
                if at < min(len(before), len(after)) and not close(after[at], before[at], 1e-12):
                    names.append(name)
                at += 1
    return f" `{'`, `'.join(dict.fromkeys(names))}`" if names else ""


def _gradient_text(trial: Trial, text: str) -> str:
    """The gradient's number replaced by the name of what it belongs to."""
    names: list[str] = []
    for _, arguments in trial.call.steps:
        for name, value in arguments.items():
            names += [f"`{name}`" for leaf in leaves(value) if leaf.is_floating_point()]
    names += [f"the weight `{name}`" for name in trial.request["weights"] or {}]

    def name(match: re.Match[str]) -> str:
        n = int(match[1])
        return names[n] if n < len(names) else "an input"

    return re.sub(r"%(\d+)%", name, text)


def _smallest(run: Run, wrong: list[Trial]) -> Trial:
    """Make the sizes of a wrong trial as small as they go while it stays wrong."""
    trial = min(wrong, key=lambda t: sum(t.draw.sizes.values()))
    kind = trial.difference.kind if trial.difference else ""
    ranges = {**run.ranges, **trial.case.sizes}
    until, progress = time.monotonic() + 1.0, True
    while progress and time.monotonic() < until:
        progress = False
        for name, size in list(trial.draw.sizes.items()):
            low = least(ranges[name])
            options = sorted(ranges[name]) if isinstance(ranges[name], list) else [low, (low + size) // 2, size - 1]
            for smaller in options:
                if smaller >= size or smaller < low or time.monotonic() > until:
                    continue
                sizes = {**trial.draw.sizes, name: smaller}
                if not allowed_sizes(ranges, sizes, run.valid):
                    continue
                with contextlib.suppress(RuntimeError):
                    tried = run.try_one(trial.case, sizes, trial.manner, trial.index)
                    if tried.difference and tried.difference.kind == kind:
                        trial, progress = tried, True
                        break
    return trial


def _transformed(run: Run, wrong: list[Trial]) -> str | None:
    """Whether the result is the right one but for a factor, a sign or the order of its axes, on every wrong input."""
    factors = []
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
            return "the result has the wrong sign, and nothing else is wrong"
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
                    return f"the result is the right one times {here}, and nothing else is wrong"
        first = factors[0][0]
        if all(abs(f - first) < 1e-8 * abs(first) for f, _ in factors) and abs(first - 1) > 1e-8:
            return f"the result is the right one times {first:.6g}, and nothing else is wrong"
    trial = max(wrong, key=lambda t: len(set(t.draw.sizes.values())))
    came, expected = _single(trial.came), _single(trial.expected)
    if came is None or expected is None or came.shape != expected.shape or expected.numel() <= 2:
        return None
    if close(came.reshape(-1).sort().values, expected.reshape(-1).sort().values, 1e-9):
        return "the numbers are right but stand in the wrong places: an axis is swapped, or a reshape mixes two axes"
    return None


def _departs(run: Run, trial: Trial) -> list[str]:
    """The first named intermediate of the reference that is not among what the learner's code computed."""
    reference = getattr(run.cases, trial.call.entry)
    wanted = noted(lambda: run.outcome(reference, trial.request))
    if not wanted or run.instead:
        return []
    reply = run.child.ask(do="trace", **trial.request)
    import torch

    seen = [
        row
        for row in (reply.get("ok") or [])
        if isinstance(row, list) and len(row) == 3 and isinstance(row[0], int) and isinstance(row[2], torch.Tensor)
    ]
    after, good = -1, []
    given = [leaf for value in trial.call.arguments.values() for leaf in leaves(value)]
    for name, value in wanted:
        at = next((n for n, row in enumerate(seen) if n > after and _alike(row[2], value)), None)
        if at is None:
            at = next((n for n, row in enumerate(seen) if _alike(row[2], value)), None)
        if at is None:
            later = [row for row in seen[after + 1 :] if row[2].shape == value.shape and row[2].dtype == value.dtype]
            later = [row for row in later if _attempt(row[2], given)]
            verb = "are" if name.partition(" (")[0].partition(",")[0].endswith("s") else "is"
            line = f"the first to go wrong {verb} the {name}"
            detail = [f"with {sizes_told(trial.draw.sizes)}:"]
            detail += [f"  right: {', '.join(good)}"] if good else []
            detail.append(f"  {name}: expected {numbers(value)}")
            if later:
                number, _, tensor = later[0]
                line += f", in line {number}: `{_source(run, number)}`"
                detail.append(f"  {name}: line {number} has {numbers(tensor)}")
            return [line, *detail] if good or later else []
        after = max(after, at)
        good.append(f"{name} (line {seen[at][0]})")
    return []


def _attempt(tensor: Any, given: list) -> bool:
    """Whether a tensor may be meant for a step of the computation: it is no input in another shape, and not one number."""
    if tensor.numel() > 1 and bool((tensor == tensor.flatten()[0]).all()):
        return False
    return not any(_alike(tensor.double(), leaf.double()) for leaf in given if leaf.numel() == tensor.numel())


def _source(run: Run, line: int) -> str:
    return one_line(run.lines[line - 1])[:120] if 0 < line <= len(run.lines) else ""


def _alike(a: Any, b: Any) -> bool:
    """Whether a tensor holds the numbers of another, in whatever order of the axes."""
    if a.numel() != b.numel() or a.is_complex() or b.is_complex():
        return False
    if a.shape == b.shape and close(a, b, 1e-8):
        return True
    if a.shape == b.shape and a.dim() > 1 and len(set(a.shape)) > 1:
        return False
    return close(a.double().reshape(-1).sort().values, b.double().reshape(-1).sort().values, 1e-8)


def broken_law(run: Run, law: Law) -> Broken | None:
    """Where the law does not hold; None where it does."""
    ranges = {**run.ranges, **law.sizes}
    for index, sizes in enumerate(draws_of(ranges, law.draws, f"{run.seed}:{law.sentence}", run.valid)):
        draw = run.draw(law.sentence, sizes, index)
        run.at = (law, sizes)
        try:
            holds = bool(law.check(_Proxy(run), draw))
        except _CallFailed as failed:
            return Broken(law, sizes, failed.error)
        except (TypeError, AttributeError, ValueError, LookupError, RuntimeError, ArithmeticError):
            holds = False
        if not holds:
            return Broken(law, sizes)
    return None


def lawless(run: Run, broken: Broken) -> dict:
    """The verdict on an answer that is right in every case and breaks a law, or raises where one is looked at."""
    sentence, sizes = fill(broken.law.sentence, broken.sizes), f"with {sizes_told(broken.sizes)}"
    if broken.error is None:
        return {"status": "wrong", "line": f"{sentence}.", "details": [sizes]}
    line, frames = _raised_line(run, broken.error)
    details = [*frames, f"{sizes}, where it is seen whether {sentence}"]
    if "NotImplementedError" in broken.error["kinds"]:
        return {"status": "unfinished", "line": f"not written yet: {line}.", "details": details}
    return {"status": "raised", "line": f"{line}.", "details": details}


class _CallFailed(Exception):
    def __init__(self, error: dict) -> None:
        self.error = error


class _Proxy:
    """The learner's functions as a law calls them: ``learner.attend(q, k, v)``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getattr__(self, entry: str) -> Any:
        run = self._run
        if entry not in run.entries:
            raise AttributeError(entry)

        reference = getattr(run.cases, entry)

        def call(*args: Any, **kwargs: Any) -> Any:
            # Our names are not the learner's: as in a case, what can be given by position is.
            _, positional, keyword = bound(reference, "", inspect.signature(reference).bind(*args, **kwargs).arguments)
            request = {
                "entry": entry,
                "made": None,
                "steps": [["", positional, keyword]],
                "weights": None,
                "plan": [],
                "adapter": False,
                "cotangents": None,
                "gradient": False,
                "layout": "plain",
            }
            if run.instead and entry not in run.instead:
                outcome = run.outcome(reference, request)
            else:
                outcome = run.answer(run.child.ask(do="call", **request))
            if outcome.result is None:
                raise _CallFailed(outcome.raised or {})
            return outcome.result["value"]

        return call

    def perform(self, call: Call, seed: int = 0) -> Any:
        """A `Call` or `Make`; the weights of a module are drawn from `seed`, so that two calls can share them."""
        run = self._run
        trial = Trial(Case("", lambda d: call, gradient=False), Draw({}, seed), call)
        trial.request = run.request(trial)
        outcome = run.answer(run.child.ask(do="call", **trial.request))
        if outcome.result is None:
            raise _CallFailed(outcome.raised or {})
        return outcome.result["value"]


# -- code that raises, and code that had to be stopped -------------------------------------------------------------------


def _raised_line(run: Run, error: dict) -> tuple[str, list[str]]:
    """``ValueError in line 12, `...`: text`` and the frames that lead there."""
    mine = [f for f in error["frames"] if f[0] == run.path]
    number = mine[-1][1] if mine and isinstance(mine[-1][1], int) else None
    where = f" in line {number}, `{_source(run, number)}`" if number else ""
    message = one_line(error["message"])[:300]
    text = f"{one_line(error['type'])}{where}" + (f": {message}" if message else "")
    frames = [f"  line {f[1]}: {_source(run, f[1])}" for f in mine if isinstance(f[1], int)]
    return text, frames if len(frames) > 1 else []


def unmade(run: Run, error: dict, entry: str) -> dict:
    """The verdict on a class of which no object can be made."""
    if "NotImplementedError" in error["kinds"]:
        return {"status": "unfinished", "line": f"not written yet: {entry} raises NotImplementedError."}
    return raised_outside(run, error, f"making a {entry}")


def raised_outside(run: Run, error: dict, doing: str) -> dict:
    """The verdict on a file that cannot even be run."""
    kinds = error["kinds"]
    line, frames = _raised_line(run, error)
    hint = ""
    if "ModuleNotFoundError" in kinds and error.get("name"):
        hint = f" Nothing called '{one_line(error['name'])}' is installed here."
    return {"status": "raised", "line": f"{doing} raises {line}.{hint}", "details": frames}


def stopped_short(run: Run, stopped: Stopped, load: dict) -> dict:
    """The verdict on code that did not give an answer of its own accord."""
    at = getattr(run, "at", None)
    where, law = "", None
    if at is not None and isinstance(at[0], Law):
        law = (at[0].sentence, at[1])
    elif at is not None:
        where = f" ({at[0].name}, {sizes_told(at[1])})"
    if stopped.how == "timeout":
        took = f"{load['seconds']:g} s" if stopped.busy else f"{load['wall']:g} s on the clock"
        lines = re.findall(rf'File "{re.escape(run.path)}", line (\d+)', stopped.text)
        spot = f" in line {lines[0]}, `{_source(run, int(lines[0]))}`" if lines else ""
        return {
            "status": "timeout",
            "line": f"stopped after {took}, still running{spot}{where}: an endless loop, or a very slow one.",
            "details": [f"where it was to be seen whether {fill(*law)}"] if law else [],
        }
    if stopped.how == "printing":
        much = f"{PRINTED >> 20} MB of output"
        return {"status": "timeout", "line": f"stopped after {much}{where}: something prints without end."}
    if stopped.how == "memory":
        return {
            "status": "memory",
            "line": f"stopped at {load['memory'] >> 20} MB of memory{where}: something grows without end.",
        }
    if stopped.how == "exit called":
        return {"status": "exited", "line": f"your code calls exit{where}: take that call out."}
    if stopped.how == "not allowed":
        name = stopped.text.removeprefix("forbidden ")
        if name != stopped.text:
            reason = getattr(run.cases, "FORBIDDEN", {}).get(name, "write it out")
            return {
                "status": "forbidden",
                "line": f"your code calls {name}, which this exercise does not allow: {reason}.",
            }
        return {"status": "forbidden", "line": f"{one_line(stopped.text)}."}
    if stopped.how == "refused":
        what = stopped.text.partition(": ")[2] or stopped.text
        if stopped.text.startswith("import"):
            return {
                "status": "forbidden",
                "line": f"your file imports {what}: the answers are in there; write it out instead.",
            }
        return {
            "status": "forbidden",
            "line": f"your file reads headway/{what}, where the answers are: write it out instead.",
        }
    if stopped.how == "exited":
        return {
            "status": "exited",
            "line": f"your code ends the whole process{where} (os._exit, or a crash of the interpreter): code {stopped.text}.",
        }
    if stopped.how == "signal":
        name = (
            signal.Signals(int(stopped.text)).name
            if stopped.text.isdigit() and int(stopped.text) in set(signal.Signals)
            else stopped.text
        )
        return {"status": "exited", "line": f"your code crashes the interpreter{where}: {name}."}
    return {
        "status": "garbled",
        "line": f"your code writes into the judge's own channel{where}, or closes it: leave file descriptors alone.",
    }

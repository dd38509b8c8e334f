"""What a wrong answer does that no mistake is listed for: the reference with one thing about it changed, tried like a mistake.

Each guess is a change of the arguments or of the result: an argument left out, turned round, exchanged with another, off by
one; a result reversed, transposed, shifted, squared, or stopped half-way. It is said only where the reference, so changed, gives
what the learner's code gives on every input, the right ones included.
"""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from headway.learn.cases import noted
from headway.learn.judge.perform import CallResult
from headway.learn.judge.recognise import is_same
from headway.learn.judge.showing import capital, pattern_of, show_trial, subject_of, telling_first
from headway.learn.judge.trials import Run, Trial
from headway.learn.judge.verdict import Verdict

RESULTS = ("values", "shape", "nan", "type", "none")
"""Kinds of differences between results."""

FEW = 4
"""Wrong inputs, the most telling first, on which every guess is tried before it is tried on all."""


@dataclasses.dataclass(frozen=True)
class Guess:
    """A name, a sentence, and what the reference would give, changed so, on an input; None where it says nothing there."""

    name: str
    sentence: str
    result: Callable[[Trial], CallResult | None]


def guessed(run: Run, entry: str, wrong: list[Trial]) -> Verdict | None:
    """The verdict that says what the answer does in place of what was asked; None where no guess fits everywhere."""
    if run.instead:
        return None
    # What else a call may do wrong is looked at only where its result is right, and is no matter of these guesses.
    first = telling_first([t for t in wrong if t.difference and t.difference.kind in RESULTS])
    if not first or any(t.came.raised for t in wrong):
        return None
    right = [t for t in run.trials if t.call.entry == entry and t.difference is None]
    for guess in (*_of_arguments(run, entry, first), *_of_results(run, first), *_half_way(run, entry, first)):
        if all(_fits(run, guess, t) for t in first[:FEW]) and all(_fits(run, guess, t) for t in (*first[FEW:], *right)):
            details = (*pattern_of(run, entry), *show_trial(first[0]))
            return Verdict("mistake", f"{subject_of(run, entry)}{capital(guess.sentence)}.", (guess.name,), details)
    return None


def _fits(run: Run, guess: Guess, trial: Trial) -> bool:
    try:
        changed = guess.result(trial)
    except (TypeError, IndexError, RuntimeError, ValueError, ArithmeticError, LookupError):
        return False  # this input cannot be changed so
    if changed is None:  # nothing to change on this input: the answer has to be right there
        return trial.difference is None
    return is_same(run, trial, changed)


# -- other arguments -----------------------------------------------------------------------------------------------------


def _of_arguments(run: Run, entry: str, wrong: list[Trial]) -> Iterator[Guess]:
    """The reference is given something else than what was given."""
    reference = run.contract.references[entry]

    def with_change(change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Callable[[Trial], CallResult | None]:
        def result(trial: Trial) -> CallResult | None:
            request = run.with_arguments(trial, change)
            return None if request is None else run.result(reference, dataclasses.replace(request, gradient=False))

        return result

    def one(name: str, other: Callable[[Any], Any]) -> Callable[[Trial], CallResult | None]:
        return with_change(
            lambda given: (
                None if name not in given or (new := other(given[name])) is given[name] else {**given, name: new}
            )
        )

    shown = {name: value for t in wrong for _, given in t.call.steps for name, value in given.items()}
    optional = [p.name for p in inspect.signature(reference).parameters.values() if p.default is not p.empty]
    for name in shown:
        if name in optional:
            without = lambda given, name=name: {k: v for k, v in given.items() if k != name} if name in given else None  # noqa: E731
            yield Guess("argument ignored", f"the argument `{name}` is not used", with_change(without))
    for name, value in shown.items():
        for word, other in _others(value):
            yield Guess(word.partition(" ")[0], f"`{name}` is {word}", one(name, other))
    for a, b in itertools.combinations(shown, 2):
        if _alike(shown[a], shown[b]):
            swap = lambda given, a=a, b=b: (  # noqa: E731
                {**given, a: given[b], b: given[a]}
                if a in given and b in given and _alike(given[a], given[b])
                else None
            )
            yield Guess("arguments exchanged", f"`{a}` and `{b}` have changed places", with_change(swap))


def _others(value: Any) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """What else a value may have been taken for: words, and the function that makes it."""
    import torch

    if isinstance(value, bool):
        yield "taken the other way round: True for False", lambda x: not x
    elif isinstance(value, int):
        yield "taken one too large", lambda x: x + 1
        yield "taken one too small", lambda x: x - 1
    elif isinstance(value, float):
        yield "squared before it is used", lambda x: x * x
        yield "used as its square root", lambda x: x**0.5 if x >= 0 else x
        yield "used as 1 over it", lambda x: 1 / x if x else x
        yield "used with the other sign", lambda x: -x
        yield "used as 1 minus it", lambda x: 1 - x
    elif isinstance(value, torch.Tensor) and value.dtype == torch.bool:
        yield "taken the other way round: True for False", lambda x: ~x
    elif isinstance(value, torch.Tensor) and value.dim():
        for axis in range(-value.dim(), 0):
            place = {-1: "its last axis", -2: "its last axis but one"}.get(axis, f"axis {axis + value.dim()}")
            yield f"reversed along {place}", lambda x, axis=axis: x.flip(axis)
            yield f"shifted by one along {place}", lambda x, axis=axis: x.roll(1, axis)
            yield f"shifted back by one along {place}", lambda x, axis=axis: x.roll(-1, axis)
    elif isinstance(value, list | str) and len(value) > 1:
        yield "reversed", lambda x: x[::-1]
        yield "used without its last item", lambda x: x[:-1]
        yield "used without its first item", lambda x: x[1:]


def _alike(a: Any, b: Any) -> bool:
    """Whether two arguments could stand in each other's place."""
    if hasattr(a, "shape") and hasattr(b, "shape"):
        return a.shape == b.shape and a.dtype == b.dtype
    return type(a) is type(b) and not isinstance(a, bool) and a is not None


# -- other results -------------------------------------------------------------------------------------------------------


def _of_results(run: Run, wrong: list[Trial]) -> Iterator[Guess]:
    """Something is done to the right result, or left undone."""

    def of(change: Callable[[Any], Any]) -> Callable[[Trial], CallResult | None]:
        def result(trial: Trial) -> CallResult | None:
            expected = trial.expected.result
            if expected is None:
                return None
            return CallResult(dataclasses.replace(expected, value=change(expected.value), gradients=None))

        return result

    value = wrong[0].expected.result.value if wrong[0].expected.result else None
    for word, name, change in _changes(value):
        yield Guess(name, word, of(change))
    for name in dict.fromkeys(name for t in wrong for _, given in t.call.steps for name in given):
        given = [t.call.steps[-1][1].get(name) for t in wrong]
        if all(v is not None and type(v) is type(value) for v in given):

            def unchanged(trial: Trial, name: str = name) -> CallResult | None:
                expected = trial.expected.result
                if expected is None or name not in trial.call.steps[-1][1]:
                    return None
                return CallResult(dataclasses.replace(expected, value=trial.call.steps[-1][1][name], gradients=None))

            yield Guess("unchanged", f"the result is `{name}` as it was given", unchanged)


def _changes(value: Any) -> Iterator[tuple[str, str, Callable[[Any], Any]]]:
    """What may have been done to a result: words, a name, and the function that does it."""
    import torch

    if isinstance(value, torch.Tensor) and value.dim():
        axes = range(-value.dim(), 0)
        place = {-1: "the last axis", -2: "the last axis but one"}
        for axis in axes:
            where = place.get(axis, f"axis {axis + value.dim()}")
            yield f"the result is right but reversed along {where}", "reversed", lambda v, a=axis: v.flip(a)
            yield f"the result is right but shifted by one along {where}", "shifted", lambda v, a=axis: v.roll(1, a)
            yield (
                f"the result is right but shifted back by one along {where}",
                "shifted",
                lambda v, a=axis: v.roll(-1, a),
            )
            yield f"the result is summed up along {where}", "summed", lambda v, a=axis: v.cumsum(a)
            yield (
                f"the result is right but lacks its last place along {where}",
                "short",
                lambda v, a=axis: v.narrow(a, 0, v.shape[a] - 1),
            )
            yield (
                f"the result is right but lacks its first place along {where}",
                "short",
                lambda v, a=axis: v.narrow(a, 1, v.shape[a] - 1),
            )
        for a, b in itertools.combinations(axes, 2):
            words = f"the result is right but for its axes {a + value.dim()} and {b + value.dim()}, which have changed places"
            yield words, "axes", lambda v, a=a, b=b: v.transpose(a, b)
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        yield "the result is the square of the right one", "squared", lambda v: v * v
        yield "the result is the square root of the right one", "root", lambda v: v.sqrt()
        yield "the result is the logarithm of the right one", "logarithm", lambda v: v.log()
        yield "the result is e to the right one", "exponential", lambda v: v.exp()
        yield "the result is 1 over the right one", "inverse", lambda v: 1 / v
        yield "the result is 1 minus the right one", "complement", lambda v: 1 - v
        yield "the result is right, but cut off below 0", "cut off", lambda v: v.clamp(min=0)
        yield "the result is right, but without its sign", "absolute", lambda v: v.abs()
        yield "the result is all 0", "zero", lambda v: torch.zeros_like(v)
    if isinstance(value, torch.Tensor) and value.dtype == torch.bool:
        yield "the result is the opposite of the right one: True for False", "opposite", lambda v: ~v
    if isinstance(value, bool):
        yield "the result is the opposite of the right one", "opposite", lambda v: not v
    elif isinstance(value, int | float):
        yield "the result is one too large", "one more", lambda v: v + 1
        yield "the result is one too small", "one less", lambda v: v - 1
    if isinstance(value, torch.Tensor) and value.dtype == torch.int64:
        yield "every number of the result is one too large", "one more", lambda v: v + 1
        yield "every number of the result is one too small", "one less", lambda v: v - 1
    if isinstance(value, list | tuple | str | bytes):
        yield "the result is right but in reverse order", "reversed", lambda v: v[::-1]
        yield "the result lacks its last item", "short", lambda v: v[:-1]
        yield "the result lacks its first item", "short", lambda v: v[1:]
    if isinstance(value, list | tuple):
        yield "the result has its last item twice", "long", lambda v: v + v[-1:]
        yield "the result is right but sorted", "sorted", lambda v: type(v)(sorted(v))
        yield "the result has every item once only", "repeats", lambda v: type(v)(dict.fromkeys(v))
        yield "the result is right but nested once more", "nested", lambda v: type(v)([v])
    if isinstance(value, tuple) and value and all(isinstance(item, torch.Tensor) for item in value):
        for words, name, change in _changes(value[0]):
            each = words.replace("the result is", "every result is").replace("the result lacks", "every result lacks")
            yield each, name, lambda v, change=change: tuple(change(item) for item in v)
    if isinstance(value, tuple) and len(value) == 2:
        yield "the two results have changed places", "exchanged", lambda v: (v[1], v[0])
    if isinstance(value, dict):
        yield "keys and values of the result have changed places", "exchanged", lambda v: {b: a for a, b in v.items()}


# -- steps left out ------------------------------------------------------------------------------------------------------


def _half_way(run: Run, entry: str, wrong: list[Trial]) -> Iterator[Guess]:
    """The result is one of the reference's intermediates: what follows it is missing."""
    reference = run.contract.references[entry]
    names = [name for name, _ in noted(lambda: run.result(reference, wrong[0].request))]

    def intermediate(name: str) -> Callable[[Trial], CallResult | None]:
        def result(trial: Trial) -> CallResult | None:
            request = dataclasses.replace(trial.request, gradient=False)
            found = dict(noted(lambda: run.result(reference, request)))
            if name not in found or trial.expected.result is None:
                return None
            return CallResult(dataclasses.replace(trial.expected.result, value=found[name], gradients=None))

        return result

    for name in dict.fromkeys(names):
        yield Guess("half-way", f"the result is the {name}: what comes after it is missing", intermediate(name))

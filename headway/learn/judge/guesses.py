"""What a wrong answer does that no mistake is listed for: the reference with one thing about it changed, tried like a mistake.

Each guess is a change of the arguments, of an intermediate or of the result: an argument left out, turned round, exchanged with
another, off by one; an intermediate cut off, masked, or exchanged with another; a result reversed, transposed, shifted, squared,
or stopped half-way. It is said only where the reference, so changed, gives what the learner's code gives on every input, the
right ones included; or on every wrong one, where a size parts those from the right ones.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import itertools
import re
import signal
from collections.abc import Callable, Iterator
from typing import Any

from headway.learn.cases import altered, fill, noted
from headway.learn.judge.alterations import Alteration, alterations, alterations_of_a_step, numbers_in
from headway.learn.judge.compare import close
from headway.learn.judge.intermediates import computed, low_precision
from headway.learn.judge.perform import CallResult, leaves
from headway.learn.judge.recognise import LARGE, is_extreme, is_same, only_there
from headway.learn.judge.showing import (
    capital,
    facts_of,
    pattern_of,
    show_trial,
    subject_of,
    telling_first,
)
from headway.learn.judge.trials import Run, Trial
from headway.learn.judge.verdict import Verdict

RESULTS = ("values", "shape", "nan", "type", "none")
"""Kinds of differences between results."""

FEW = 4
"""Wrong inputs, the most telling first, on which every guess is tried before it is tried on all."""

LONGEST = 2.0
"""Seconds of the processor after which no further guess is made: a reference may take long on the only inputs that are wrong."""


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
    if all(t.manner != "float64" for t in first):
        return None  # in fewer digits much coincides, and what lies otherwise in memory is told by that
    size = first[0].difference.size if first[0].difference else 1.0
    if size < 1e-5 and first[0].dtype == "float64" and low_precision(run, first[0]):
        return None  # the line that works in fewer digits says more than the step whose digits are gone
    # A number with its digits is not met by chance; a word, a place or a truth value may be, once or twice.
    digits = any(_has_digits(t.expected.result.value) for t in first if t.expected.result)
    if len(first) < 3 and not digits:
        return None
    right = [t for t in run.trials if t.call.entry == entry and t.difference is None]
    large = all(sum(t.draw.sizes.values()) > LARGE for t in first)
    some = digits and len(first) > 2 and not all(is_extreme(t) for t in first)
    plain = not any(leaves(value) for _, given in first[0].call.steps for value in given.values())
    with contextlib.suppress(_Exhausted), _bounded():
        partly = None
        for guess in itertools.chain(
            _of_arguments(run, entry, first),
            _of_results(run, first),
            _half_way(run, entry, first),
            *([_altered_arguments(run, entry, first)] if plain else []),
            _on_the_way(run, entry, first),
            *([] if plain else [_altered_arguments(run, entry, first)]),
            _altered_results(run, first),
        ):
            if large and not all(_fits(run, guess, t) for t in right):
                continue
            if all(_fits(run, guess, t) for t in first[:FEW]) and all(_fits(run, guess, t) for t in first[FEW:]):
                if all(_fits(run, guess, t) for t in right):
                    return _verdict(run, entry, guess, first[0])
                partly = partly or guess
        if partly is not None and some:
            after = only_there(run, first, right, lambda t: not _fits(run, partly, t))
            bound = re.match(r" That is so only where (\w+) is", after or "")
            # A size that is the same in all of them may be there by chance.
            if after and (not bound or len({t.draw.sizes.get(bound[1]) for t in first}) > 1):
                return _verdict(run, entry, partly, first[0], after)
    return None


def _telling(values: list[Any], name: str, facts: dict[str, Any], constants: list[float]) -> Iterator[Alteration]:
    """The alterations of what an argument or a step is on a wrong input, once or several times, that change it there: no other
    can be behind what is wrong."""
    for row in alterations(values[0], name, facts, constants):
        if any(_changes_it(row, value, facts) for value in values):
            yield row


def _changes_it(row: Alteration, value: Any, facts: dict[str, Any]) -> bool:
    try:
        other = row.change(value, facts)
        if leaves(value):
            return not close(other, value, 0.0) or other.dtype != value.dtype
        return bool(other != value)
    except (TypeError, AttributeError, RuntimeError, ValueError, ArithmeticError, LookupError):
        return False  # it is not of this kind


def _has_digits(value: Any) -> bool:
    """Whether there are floating numbers in a result."""
    if isinstance(value, list | tuple):
        return any(_has_digits(item) for item in value)
    if isinstance(value, dict):
        return any(_has_digits(item) for item in value.values())
    return isinstance(value, float) or any(leaf.is_floating_point() and leaf.numel() for leaf in leaves(value))


def _as_if(what: str) -> str:
    return f"the result is as if {what.replace('the both', 'both')} were"


NOTES = 5_000
"""Steps that a changed reference may note; one that notes more is taken not to end."""


class _Exhausted(BaseException):
    """No time is left for guesses. No Exception: the reference must not catch it."""


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Whatever is done within ends after `LONGEST`, a reference that no longer ends by itself included."""

    def end(*_: Any) -> None:
        raise _Exhausted

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST, 0.05)  # again: one that falls into a finaliser is lost
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _verdict(run: Run, entry: str, guess: Guess, trial: Trial, after: str = "") -> Verdict:
    sentence = fill(guess.sentence, facts_of(run, trial))
    details = (*pattern_of(run, entry), *show_trial(trial))
    return Verdict("mistake", f"{subject_of(run, entry)}{capital(sentence)}.{after}", (guess.name,), details)


def _fits(run: Run, guess: Guess, trial: Trial) -> bool:
    try:
        changed = guess.result(trial)
    except (TypeError, AttributeError, RuntimeError, ValueError, ArithmeticError, LookupError):
        return trial.difference is None  # this input cannot be changed so
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
            return CallResult(dataclasses.replace(expected, value=_each(trial, change, expected.value), gradients=None))

        return result

    value = _value_of(wrong[0])
    for word, name, change in _changes(value):
        yield Guess(name, word, of(change))
    for name in dict.fromkeys(name for t in wrong for _, given in t.call.steps for name in given):
        given = [t.call.steps[-1][1].get(name) if len(t.call.steps) == 1 else None for t in wrong]
        if all(v is not None and type(v) is type(value) for v in given):

            def unchanged(trial: Trial, name: str = name) -> CallResult | None:
                expected = trial.expected.result
                if expected is None or name not in trial.call.steps[-1][1] or len(trial.call.steps) > 1:
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


def _value_of(trial: Trial) -> Any:
    """The right result of an input; the first one, where a module or an object is called several times."""
    value = trial.expected.result.value if trial.expected.result else None
    return value[0] if len(trial.call.steps) > 1 and value else value


def _each(trial: Trial, change: Callable[[Any], Any], value: Any) -> Any:
    """The result changed: that of every step, where there are several."""
    return [change(item) for item in value] if len(trial.call.steps) > 1 else change(value)


# -- steps left out ------------------------------------------------------------------------------------------------------


def _half_way(run: Run, entry: str, wrong: list[Trial]) -> Iterator[Guess]:
    """The result is one of the reference's intermediates: what follows it is missing."""
    reference = run.contract.references[entry]
    names = [name for name, _ in noted(lambda: run.result(reference, wrong[0].request))]

    def intermediate(name: str) -> Callable[[Trial], CallResult | None]:
        def result(trial: Trial) -> CallResult | None:
            request = dataclasses.replace(trial.request, gradient=False)
            found = [value for at, value in noted(lambda: run.result(reference, request)) if at == name]
            if not found or trial.expected.result is None:
                return None
            value = found[-1]
            if len(trial.call.steps) > 1:
                if len(found) != len(trial.call.steps):
                    return None
                value = found
            return CallResult(dataclasses.replace(trial.expected.result, value=value, gradients=None))

        return result

    for name in dict.fromkeys(names):
        yield Guess("half-way", f"the result is the {name}: what comes after it is missing", intermediate(name))


# -- something done on the way -------------------------------------------------------------------------------------------


def _on_the_way(run: Run, entry: str, wrong: list[Trial]) -> Iterator[Guess]:
    """An intermediate of the reference is another, and the reference goes on with it."""
    reference = run.contract.references[entry]
    trial = wrong[0]
    plain = dataclasses.replace(trial.request, gradient=False)
    steps = noted(lambda: run.result(reference, plain))
    constants, facts = numbers_in("\n".join(run.lines)), facts_of(run, trial)

    def with_change(change: Callable[[str, Any, dict[str, Any]], Any]) -> Callable[[Trial], CallResult]:
        def result(trial: Trial) -> CallResult:
            request = dataclasses.replace(trial.request, gradient=False)
            numbers, calls = facts_of(run, trial), itertools.count()

            def other(name: str, value: Any) -> Any:
                if next(calls) > NOTES:  # a loop that no longer comes to its end
                    raise ArithmeticError(f"more than {NOTES} steps")
                return change(_step(name), value, numbers)

            return altered(lambda: run.result(reference, request), other)

        return result

    def here(name: str, other: Callable[[Any, dict[str, Any]], Any]) -> Callable[[Trial], CallResult]:
        return with_change(lambda at, value, facts: other(value, facts) if at == name else value)

    values: dict[str, list[Any]] = {}
    for name, value in steps:
        values.setdefault(_step(name), []).append(value)
    firsts = {name: several[0] for name, several in values.items()}
    # What a line of theirs has got right is left alone, but for the last of it: it may be spoiled before it is used.
    right = set(computed(run, trial, {name: value for name, value in firsts.items() if leaves(value)})[:-1])
    for (early, a), (late, b) in itertools.pairwise(firsts.items()):
        if _alike(a, b):
            for row in alterations_of_a_step(b, late, constants):
                yield Guess(
                    row.name,
                    f"{_as_if(f'the {late}')} the {early} {row.words}",
                    _remembering(
                        with_change, early, late, lambda late, early, row=row: row.change(early, {"late": late})
                    ),
                )
    for name in reversed(firsts):
        if name in right:
            continue
        for row in _telling(values[name], name, facts, constants):
            yield Guess(row.name, f"{_as_if(f'the {name}')} {row.words}", here(name, row.change))
    given = [(word, value) for _, step in trial.call.steps for word, value in step.items()]
    for name, value in firsts.items():
        for word in dict.fromkeys(word for word, other in given if _alike(value, other)):
            for adverb, change in _JOINED.items():
                yield Guess(
                    "joined with an argument",
                    f"{_as_if(f'the {name}')} {adverb.format(f'`{word}`')}",
                    lambda t, name=name, word=word, change=change: here(
                        name, lambda v, _: change(v, _argument(t, word))
                    )(t),
                )
    for (early, a), (late, b) in itertools.permutations(firsts.items(), 2):
        if _alike(a, b) and list(firsts).index(early) < list(firsts).index(late):
            for adverb, change in _JOINED.items():
                yield Guess(
                    "joined with an earlier step",
                    f"{_as_if(f'the {late}')} {adverb.format(f'the {early}')}",
                    _remembering(with_change, early, late, change),
                )


def _step(name: str) -> str:
    """What the steps of a loop have in common: `state after step 3` is `state after step n`."""
    return re.sub(r" \d+$", " n", name)


_JOINED: dict[str, Callable[[Any, Any], Any]] = {
    "replaced by {}": lambda a, b: b,
    "added to {}": lambda a, b: a + b,
    "multiplied by {}": lambda a, b: a * b,
    "taken less {}": lambda a, b: a - b,
}
"""What may be done with two tensors of one shape."""


def _argument(trial: Trial, name: str) -> Any:
    """The argument of a call; a LookupError where there are several of one name."""
    (value,) = (given[name] for _, given in trial.call.steps if name in given)
    return value


def _remembering(
    with_change: Callable[..., Any], early: str, late: str, change: Callable[[Any, Any], Any]
) -> Callable[[Trial], CallResult]:
    """The reference, in which an intermediate is joined with one that came before it."""

    def result(trial: Trial) -> CallResult:
        kept: dict[str, Any] = {}

        def other(name: str, value: Any, _: dict[str, Any]) -> Any:
            if name == early:
                kept[early] = value
            return change(value, kept[early]) if name == late else value

        return with_change(other)(trial)

    return result


def _altered_arguments(run: Run, entry: str, wrong: list[Trial]) -> Iterator[Guess]:
    """An argument, or the default in its place, is another from the start."""
    reference = run.contract.references[entry]
    constants, facts = numbers_in("\n".join(run.lines)), facts_of(run, wrong[0])
    values: dict[str, list[Any]] = {}
    for trial in wrong[:FEW]:
        for name, value in ((name, value) for _, given in trial.call.steps for name, value in given.items()):
            if value is not None:
                values.setdefault(name, []).append(value)
    defaults: dict[str, Any] = {}
    if not inspect.isclass(reference):
        parameters = inspect.signature(reference).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty and p.default is not None}

    def one(name: str, other: Callable[[Any, dict[str, Any]], Any]) -> Callable[[Trial], CallResult | None]:
        def result(trial: Trial) -> CallResult | None:
            numbers = facts_of(run, trial)

            def change(given: dict[str, Any]) -> dict[str, Any] | None:
                value = given.get(name, defaults.get(name))
                return None if value is None else {**given, name: other(value, numbers)}

            request = run.with_arguments(trial, change)
            return None if request is None else run.result(reference, dataclasses.replace(request, gradient=False))

        return result

    axes = {id(value): axes for t in wrong for value, axes in _axes_of(t)}
    for name, value in defaults.items():
        values.setdefault(name, []).append(value)
    for name, (value, *_) in values.items():
        for row in _telling(values[name], f"{name} ({axes.get(id(value), '')})", facts, constants):
            yield Guess(row.name, f"{_as_if(f'`{name}`')} {row.words}", one(name, row.change))


def _axes_of(trial: Trial) -> Iterator[tuple[Any, str]]:
    """The arguments of a call whose axes have names, and these."""
    for _, given in trial.call.steps:
        for value in given.values():
            if id(value) in trial.draw.axes:
                yield value, trial.draw.axes[id(value)]


def _altered_results(run: Run, wrong: list[Trial]) -> Iterator[Guess]:
    """Something is done to the right result at the end: to all of it, or to one of several."""
    constants, facts = numbers_in("\n".join(run.lines)), facts_of(run, wrong[0])
    value = _value_of(wrong[0])
    told = [text.strip() for text in run.contract.returns.get(wrong[0].call.entry, "").split(",")]

    def of(change: Callable[[Any, dict[str, Any]], Any]) -> Callable[[Trial], CallResult | None]:
        def result(trial: Trial) -> CallResult | None:
            expected, numbers = trial.expected.result, facts_of(run, trial)
            if expected is None:
                return None
            value = _each(trial, lambda item: change(item, numbers), expected.value)
            return CallResult(dataclasses.replace(expected, value=value, gradients=None))

        return result

    for row in _telling([value], f"result ({told[0]})", facts, constants):
        plain = row.words.startswith(("with ", "cut ", "taken "))
        lead = "the result is the right one" if plain else _as_if("the right one")
        yield Guess(row.name, f"{lead} {row.words}", of(row.change))
    for n, part in enumerate(value) if isinstance(value, tuple | list) and len(value) < 5 else ():
        for row in _telling([part], f"result ({told[n] if n < len(told) else ''})", facts, constants):

            def change(whole: Any, facts: dict[str, Any], row: Any = row, n: int = n) -> Any:
                return type(whole)(row.change(item, facts) if at == n else item for at, item in enumerate(whole))

            yield Guess(row.name, f"{_as_if(f'item {n} of the right one')} {row.words}", of(change))

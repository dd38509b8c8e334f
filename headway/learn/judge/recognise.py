"""Which known mistake a wrong answer is: the one that gives what the learner's code gives, on every input.

What is said has been tried. A mistake is named where it coincides everywhere; two, where they coincide together and each by
itself is wrong somewhere; one that coincides on all wrong inputs, or on nearly all, is named with that word.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable
from typing import Any

from headway.learn.cases import Mistake, combined
from headway.learn.contract import mistakes_of
from headway.learn.judge.alterations import numbers_in
from headway.learn.judge.compare import compare, differs
from headway.learn.judge.perform import CallResult
from headway.learn.judge.showing import (
    BEHIND,
    argument_line,
    capital,
    facts_of,
    only_where,
    pattern_of,
    show_trial,
    subject_of,
    telling_first,
)
from headway.learn.judge.trials import Run, Trial
from headway.learn.judge.verdict import Verdict

UNSEEN = ("state", "random")
"""Kinds of mistakes that one call of the mistake by itself need not show."""

FEW = 10
"""Wrong inputs, the most telling first, on which every mistake is tried before any is tried on all."""

LARGE = 500
"""The sum of the sizes of an input from which on it is looked at last."""

NEARLY = 0.85
"""The part of the wrong inputs on which a mistake has to coincide for an answer to look like it."""


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A mistake with one choice of its numbers."""

    mistake: Mistake
    chosen: dict[str, Any]
    answer: Any


def mistakes_of_entry(run: Run, entry: str) -> list[Mistake]:
    """The known mistakes of one entry."""
    return [m for m in mistakes_of(run.exercise) if (m.entry or run.entries[0]) == entry]


def small_first(trials: Iterable[Trial]) -> list[Trial]:
    """Trials in the order given, but those last that are so large that each takes its time: most candidates fail before."""
    return sorted(trials, key=lambda t: sum(t.draw.sizes.values()) > LARGE)


def coincides(run: Run, trial: Trial, answer: Any) -> bool:
    """Whether the learner's result is the one `answer` gives on the same input."""
    key = (id(trial), id(answer))
    if key not in run.coincided:
        run.coincided[key] = (trial, answer, _coincides(run, trial, answer))
    return run.coincided[key][-1]


def _coincides(run: Run, trial: Trial, answer: Any) -> bool:
    kind = trial.difference.kind if trial.difference else ""
    # Gradients are looked at only where nothing else is wrong; taking them may be what raised.
    wanted = trial.request.gradient and kind in ("gradient", "raised")
    outcome = run.result(answer, dataclasses.replace(trial.request, gradient=wanted))
    return is_same(run, trial, outcome)


def is_same(run: Run, trial: Trial, outcome: CallResult) -> bool:
    """Whether the learner's result on an input is this one, as far as what is wrong with it goes."""
    kind = trial.difference.kind if trial.difference else ""
    if outcome.result is None or trial.came.result is None:
        return compare(outcome, trial.came, run.limit(trial)) is None
    try:
        if kind in BEHIND:
            return compare(outcome, trial.came, run.limit(trial)) is None
        return differs(outcome.result.value, trial.came.result.value, run.limit(trial)) is None
    except TypeError:
        return False


def shows(run: Run, trial: Trial, answer: Any, gradients: bool = True) -> bool:
    """Whether a wrong answer is seen to be wrong on an input."""
    expected = trial.expected
    if not gradients and expected.result is not None:
        expected = CallResult(dataclasses.replace(expected.result, gradients=None))
    request = dataclasses.replace(trial.request, gradient=trial.request.gradient and gradients)
    axes = run.contract.returns.get(trial.call.entry, "")
    return compare(expected, run.result(answer, request), run.limit(trial), axes) is not None


def recognised(run: Run, entry: str, wrong: list[Trial]) -> Verdict | None:
    """The verdict that names the mistake, or the two, behind the wrong trials of an entry; None where none is known."""
    theirs = [] if run.instead else [sign * n for n in numbers_in("\n".join(run.lines)) for sign in (1, -1)]
    candidates = [Candidate(m, *variant) for m in mistakes_of_entry(run, entry) for variant in m.variants(theirs)]
    candidates.sort(key=lambda candidate: bool(candidate.chosen))  # as listed, before any other numbers
    right = [t for t in run.trials if t.call.entry == entry and t.difference is None]
    first = telling_first(wrong)
    return (
        _everywhere(run, candidates, first, right)
        or _two_at_once(run, [c.mistake for c in candidates if not c.chosen], first, right)
        or _two_apart(run, candidates, first, right)
        or _where_wrong(run, candidates, first, right)
    )


def _everywhere(run: Run, candidates: list[Candidate], wrong: list[Trial], right: list[Trial]) -> Verdict | None:
    for candidate in candidates:
        if all(coincides(run, t, candidate.answer) for t in small_first((*wrong, *right))):
            return _sentence(run, [candidate], wrong)
    return None


def _two_at_once(run: Run, mistakes: list[Mistake], wrong: list[Trial], right: list[Trial]) -> Verdict | None:
    """Two switches of one function together; each has to be wrong by itself on some input, or it has not been seen."""
    for one, other, answer in combined(mistakes):
        if all(coincides(run, t, answer) for t in small_first((*wrong, *right))):
            seen = [m for m in (one, other) if any(shows(run, t, m.answer) for t in (*wrong, *right))]
            if len(seen) == 2:
                return _sentence(run, [Candidate(m, {}, m.answer) for m in seen], wrong)
    return None


def _two_apart(run: Run, candidates: list[Candidate], wrong: list[Trial], right: list[Trial]) -> Verdict | None:
    """Two mistakes that show on different inputs: on every wrong one the answer is one or the other's, and each accounts for
    an input of telling sizes that the other does not. That both raise there says little: many mistakes do."""
    few = wrong[:FEW]
    agree = [(c, [coincides(run, t, c.answer) for t in few]) for c in candidates]
    for (a, with_a), (b, with_b) in itertools.combinations([row for row in agree if any(row[1])], 2):
        pairs = list(zip(with_a, with_b, strict=True))
        if a.mistake is b.mistake or not all(x or y for x, y in pairs):
            continue
        pairs = [pair for pair, t in zip(pairs, few, strict=True) if t.came.raised is None]
        if (True, False) not in pairs or (False, True) not in pairs:
            continue
        if all(coincides(run, t, a.answer) or coincides(run, t, b.answer) for t in (*wrong, *right)):
            return _sentence(run, [a, b], wrong)
    return None


def _where_wrong(run: Run, candidates: list[Candidate], wrong: list[Trial], right: list[Trial]) -> Verdict | None:
    """The one mistake that coincides on all wrong inputs, though not on the right ones; or on nearly all inputs.

    Inputs on which rounding is magnified tell too few mistakes apart to be relied on alone.
    """
    if len(wrong) < 3 or all(is_extreme(t) for t in wrong):
        return None
    likely = [c for c in candidates if sum(coincides(run, t, c.answer) for t in wrong[:FEW]) > len(wrong[:FEW]) // 2]
    agree = [(c, [coincides(run, t, c.answer) for t in wrong]) for c in likely]
    whole = [c for c, with_them in agree if all(with_them)]
    if len({c.mistake.name for c in whole}) == 1 and any(min(t.draw.sizes.values(), default=2) > 1 for t in wrong):
        after = only_there(run, wrong, right, lambda t: shows(run, t, whole[0].answer, False))
        return None if after is None else _sentence(run, whole[:1], wrong, after=after)
    counts = sorted(((sum(with_them), n) for n, (_, with_them) in enumerate(agree)), reverse=True)
    if not counts or counts[0][0] < max(5, NEARLY * len(wrong)) or counts[0][0] == len(wrong):
        return None
    if len(counts) > 1 and counts[1][0] == counts[0][0]:
        return None
    candidate, with_them = agree[counts[0][1]]
    against = sum(shows(run, t, candidate.answer, False) for t in telling_first(right)[: 2 * FEW])
    if against > (1 - NEARLY) * counts[0][0]:  # it would show on inputs that the answer gets right
        return None
    other = wrong[with_them.index(False)]
    before = f"looks like this, on {counts[0][0]} of {len(wrong)} wrong inputs: "
    return _sentence(run, [candidate], wrong, before, f" It differs on {argument_line(other)}.")


def only_there(run: Run, wrong: list[Trial], right: list[Trial], would_show: Callable[[Trial], bool]) -> str | None:
    """What parts the inputs on which a mistake is made from those on which it would show and is not: a size, or the cases."""
    cases = {t.case.name: id(t.case) for t in wrong}
    if only := only_where(run, wrong[0].call.entry):
        others = telling_first([t for t in right if id(t.case) not in cases.values()])
        within = f", and in these cases: {'; '.join(cases)}" if any(would_show(t) for t in others[: 2 * FEW]) else ""
        return f" That is so {only.removeprefix('wrong ')}{within}."
    # Where the mistake would show in one of these cases and does not, the cases are not what parts right from wrong.
    near = [t for t in telling_first(right) if id(t.case) in cases.values()]
    if any(would_show(t) for t in near[:FEW]):
        return None
    return f" That is so in these cases only: {'; '.join(cases)}."


def is_extreme(trial: Trial) -> bool:
    """Whether an input is of a kind that float32 cannot follow, and its result a tensor of floats."""
    value = trial.expected.result.value if trial.expected.result else None
    return not trial.case.float32 and hasattr(value, "is_floating_point") and value.is_floating_point()


def _sentence(run: Run, candidates: list[Candidate], wrong: list[Trial], before: str = "", after: str = "") -> Verdict:
    trial = wrong[0]
    facts = facts_of(run, trial)
    texts = [c.mistake.told({**facts, **c.chosen}) for c in candidates]
    line = before + "; and ".join(text if text.endswith("...") else text.rstrip(".") for text in texts)
    return Verdict(
        "mistake",
        f"{subject_of(run, trial.call.entry)}{capital(line)}{'' if line.endswith('...') else '.'}{after}",
        names=tuple(c.mistake.name for c in candidates),
        details=(*pattern_of(run, trial.call.entry), *show_trial(trial)),
    )

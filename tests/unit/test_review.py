"""What comes back, and when: the log is replayed through FSRS."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headway.learn.evidence import Evidence
from headway.learn.exercise import Exercise
from headway.learn.recall import Question
from headway.learn.review import in_a_while, rotation, split

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
EXERCISES = {id: Exercise(id, Path("/nowhere")) for id in ("attention/rope", "attention/sdpa")}
QUESTIONS = {"attention/rope": Question("attention", "rope", "How many?", "8", "Because.")}


def event(kind: str, name: str, result: str, days: float, **facts) -> Evidence:
    return Evidence((START + timedelta(days=days)).isoformat(), kind, name, result, facts)


def of(*events: Evidence):
    return rotation(events, EXERCISES, QUESTIONS)


def test_only_what_was_got_wrong_comes_back() -> None:
    assert of(event("exercise", "attention/rope", "passed", 0), event("recall", "attention/rope", "right", 0)) == []
    assert (
        of(event("exercise", "attention/rope", "unfinished", 0), event("exercise", "attention/rope", "passed", 0)) == []
    )
    assert (
        of(event("exercise", "attention/rope", "mistake", 0, mistakes=["scale"])) == []
    )  # not passed: still open, not due
    found = of(
        event("exercise", "attention/rope", "mistake", 0, mistakes=["scale"]),
        event("exercise", "attention/rope", "mistake", 0, mistakes=["axis", "scale"]),
        event("exercise", "attention/rope", "passed", 0.1),
        event("exercise", "attention/sdpa", "gave-up", 0.1),
        event("exercise", "attention/sdpa", "passed", 0.2),
        event("recall", "attention/rope", "wrong", 0.3),
        event("recall", "gone/gone", "wrong", 0),
        event("exercise", "gone/gone", "wrong", 0),
        event("exercise", "gone/gone", "passed", 0),
    )
    assert [(due.name, due.mistakes) for due in found] == [
        ("attention/rope", ("scale", "axis")),
        ("attention/sdpa", ()),
        ("attention/rope", ()),
    ]
    assert all(timedelta(0) < due.due - START < timedelta(days=2) for due in found)


def test_remembered_it_comes_back_ever_later_and_forgotten_soon() -> None:
    events = [event("exercise", "attention/rope", "wrong", 0), event("exercise", "attention/rope", "passed", 0)]
    gaps, last = [], START
    for _ in range(5):
        due = of(*events)[0].due
        gaps.append(due - last)
        last = due
        events.append(Evidence(due.isoformat(), "review", "attention/rope", "passed", {}))
    assert gaps == sorted(gaps)
    assert gaps[-1] > timedelta(days=20)
    forgotten = [
        Evidence(last.isoformat(), "review", "attention/rope", "wrong", {"mistakes": ["sign"]}),
        Evidence(last.isoformat(), "review", "attention/rope", "passed", {}),
    ]
    found = of(*events[:-1], *forgotten)[0]
    assert found.due - last < timedelta(days=4)
    assert found.mistakes == ("sign",)


def test_checking_again_or_too_early_changes_nothing() -> None:
    events = [event("exercise", "attention/rope", "wrong", 0), event("exercise", "attention/rope", "passed", 0)]
    events.append(event("recall", "attention/rope", "wrong", 0))
    before = of(*events)
    events += [
        event("exercise", "attention/rope", "passed", 0.2),
        event("exercise", "attention/rope", "wrong", 0.3),
        event("review", "attention/rope", "passed", 0.3),
        event("recall", "attention/rope", "right", 0.3),
    ]
    assert of(*events) == before


def test_replaying_gives_the_same_days_whatever_the_clock_did() -> None:
    dice = random.Random(5)
    events = [
        event(
            dice.choice(["exercise", "review", "recall"]), "attention/rope", dice.choice(["passed", "wrong", "right"]),
            dice.uniform(0, 90),
        )
        for _ in range(60)
    ]  # fmt: skip
    assert of(*events) == of(*events)
    assert len(of(*events)) == 2


def test_due_is_counted_in_days() -> None:
    found = of(event("recall", "attention/rope", "wrong", 0))
    assert split(found, START) == ([], found)
    assert split(found, START + timedelta(hours=23)) == (found, [])
    assert in_a_while(START, START) == "today"
    assert in_a_while(START + timedelta(days=1), START) == "tomorrow"
    assert in_a_while(START + timedelta(days=9), START) == "in 9 days"

"""What comes back, and when: the exercises and recall questions whose mistakes the learner made, spaced by FSRS.

Like progress, the schedule is derived from the evidence log and stored nowhere: the log is replayed through the scheduler.

- An exercise comes back once it was passed after a mistake (or after its solution was shown). That counts as forgotten, so
  it is due the next day or so. Written again, it counts as remembered if it passed without a mistake, else as forgotten.
- A recall question comes back once it was answered wrong. A right answer before it is due changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import fsrs

from headway.learn.evidence import Evidence
from headway.learn.exercise import Exercise
from headway.learn.progress import PASSED, UNTRIED
from headway.learn.recall import Question

RIGHT, WRONG = "right", "wrong"

EARLY = timedelta(hours=12)
"""What comes back tomorrow morning may be done tonight: a day is not counted in minutes."""


@dataclass(frozen=True)
class Due:
    """An exercise or question that comes back, and when.

    Attributes:
        name: ``topic/name`` of an exercise, ``topic/id`` of a question.
        what: The exercise or the question.
        due: When it comes back (aware).
        mistakes: The mistakes of an exercise that were named, each once, the latest last.
        times: How often it came back so far.
    """

    name: str
    what: Exercise | Question
    due: datetime
    mistakes: tuple[str, ...] = ()
    times: int = 0


@dataclass
class _Card:
    card: fsrs.Card | None = None
    erred: bool = False
    mistakes: list[str] = field(default_factory=list)
    times: int = 0


# Days, not minutes: nobody sits through ten-minute steps of an exercise. No fuzz: the same log gives the same dates.
_SCHEDULER = fsrs.Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


def _rate(card: _Card, again: bool, when: datetime) -> None:
    before = card.card or fsrs.Card(card_id=1)
    rating = fsrs.Rating.Again if again else fsrs.Rating.Good
    # A clock that was set back must not make the scheduler see a negative interval.
    if before.last_review is not None:
        when = max(when, before.last_review)
    card.times += card.card is not None
    card.card, _ = _SCHEDULER.review_card(before, rating, when.astimezone(UTC))
    card.erred = False


def rotation(evidence: Iterable[Evidence], exercises: dict[str, Exercise], questions: dict[str, Question]) -> list[Due]:
    """Everything in rotation, the first due first; what the course no longer has is left out."""
    cards: dict[str, _Card] = {}
    for piece in evidence:
        if piece.kind in ("exercise", "review") and piece.name in exercises:
            _exercise(cards.setdefault(piece.name, _Card()), piece)
        elif piece.kind == "recall" and piece.name in questions:
            # An exercise and a question of one topic may share a name.
            card = cards.setdefault("?" + piece.name, _Card())
            if piece.result == WRONG:
                _rate(card, True, piece.when)
            elif piece.result == RIGHT and card.card is not None and _is_due(card.card.due, piece.when):
                _rate(card, False, piece.when)
    found = []
    for name, card in cards.items():
        if card.card is not None:
            plain = name.removeprefix("?")
            what = questions[plain] if name.startswith("?") else exercises[plain]
            found.append(Due(plain, what, card.card.due, tuple(dict.fromkeys(card.mistakes)), card.times))
    return sorted(found, key=lambda due: (due.due, due.name))


def _exercise(card: _Card, piece: Evidence) -> None:
    """`card` after one more verdict. Until it is in rotation plain checks count, from then on only reviews."""
    if piece.result in UNTRIED or (card.card is not None and piece.kind == "exercise"):
        return
    if piece.result != PASSED:
        card.erred = True
        names = piece.facts.get("mistakes", [])
        card.mistakes += [str(name) for name in names] if isinstance(names, list) else []
    elif card.erred:
        _rate(card, True, piece.when)
    elif card.card is not None and _is_due(card.card.due, piece.when):
        _rate(card, False, piece.when)


def split(found: Iterable[Due], now: datetime | None = None) -> tuple[list[Due], list[Due]]:
    """What is due now, and what comes later."""
    moment = now or datetime.now(UTC)
    found = list(found)
    return [each for each in found if _is_due(each.due, moment)], [
        each for each in found if not _is_due(each.due, moment)
    ]


def _is_due(due: datetime, now: datetime) -> bool:
    return due <= now + EARLY


def in_a_while(due: datetime, now: datetime | None = None) -> str:
    """``today``, ``tomorrow``, ``in 5 days``."""
    days = (due.astimezone().date() - (now or datetime.now(UTC)).astimezone().date()).days
    return "today" if days <= 0 else "tomorrow" if days == 1 else f"in {days} days"

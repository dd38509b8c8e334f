"""Recall questions: a few per topic, asked at the end of its lesson and brought back by ``headway review``.

They lie beside the lesson as ``course/lessons/<topic>.toml``. In the file the right choice may stand anywhere: a learner sees
the choices in an order of their own (`Question.shuffled`), the same in the lesson and in ``headway review``.

    [[question]]
    id = "scale"                      # unique within the topic
    ask = "Why ...?"
    answer = "1/8"                    # a number, or a fraction: compared as numbers
    why = "Because ..."               # shown after any answer

    [[question]]
    id = "mask"
    ask = "When is the mask applied?"
    choices = ["before the softmax", "after it"]
    answer = "before the softmax"     # one of `choices`
    wrong = { "after it" = "Then the rest of the row no longer adds up to 1." }
    why = "..."
"""

from __future__ import annotations

import dataclasses
import random
import tomllib
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from headway.base.files import create_text
from headway.learn.workspace import Workspace

LESSONS = Path(__file__).resolve().parent.parent / "course" / "lessons"


@dataclass(frozen=True)
class Question:
    """One question. With `choices` the answer is one of them; without, it is a number.

    Attributes:
        topic, id: Together its name, ``topic/id``.
        ask: The question.
        answer: The right answer.
        why: What explains it.
        choices: What to choose from, in the order in which it is shown and counted.
        wrong: A wrong choice -> what is wrong about it.
    """

    topic: str
    id: str
    ask: str
    answer: str
    why: str
    choices: tuple[str, ...] = ()
    wrong: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"the question {self.topic}/{self.id}"
        if self.choices and self.answer not in self.choices:
            raise ValueError(f"{where}: the answer is not among the choices")
        if not self.choices and number_in(self.answer) is None:
            raise ValueError(f"{where}: without choices the answer has to be a number")
        if set(self.wrong) - set(self.choices):
            raise ValueError(f"{where}: `wrong` explains what is no choice")

    @property
    def name(self) -> str:
        """``topic/id``, as in the evidence log."""
        return f"{self.topic}/{self.id}"

    def shuffled(self, seed: str) -> Question:
        """The same question with its choices in the order that belongs to `seed` (`seed_of` a workspace) and this question."""
        if not self.choices:
            return self
        choices = list(self.choices)
        random.Random(f"{seed}:{self.name}").shuffle(choices)
        return dataclasses.replace(self, choices=tuple(choices))

    def right(self, given: str) -> bool:
        """Whether `given` is the answer: the number (0.125, 1/8 and 12.5% alike), or the choice by text or by its number."""
        if not self.choices:
            value, wanted = number_in(given), number_in(self.answer)
            return value is not None and wanted is not None and abs(value - wanted) <= abs(wanted) / 1000
        return self.chosen(given) == self.answer

    def chosen(self, given: str) -> str | None:
        """The choice that `given` stands for: its text, or its number counted from 1. None if it is neither."""
        plain = given.strip().casefold()
        if plain.isdigit() and 1 <= int(plain) <= len(self.choices):
            return self.choices[int(plain) - 1]
        return next((choice for choice in self.choices if choice.casefold() == plain), None)

    def reply(self, given: str) -> str:
        """What to say to `given`: right or wrong, what is wrong about it, and why the answer is what it is."""
        if self.right(given):
            return f"Right. {self.why}"
        chosen = self.chosen(given) if self.choices else None
        about = self.wrong.get(chosen, "") if chosen else ""
        return " ".join(part for part in ("Not quite.", about, f"The answer: {self.answer}.", self.why) if part)


def number_in(text: str) -> Fraction | None:
    """The number that somebody wrote: 0.125, 1/8, 12.5% and 1,000 alike; None where it is none."""
    plain = text.strip().replace(" ", "").replace(",", "")
    percent = plain.endswith("%")
    try:
        value = Fraction(plain.removesuffix("%"))
    except (ValueError, ZeroDivisionError):
        return None
    return value / 100 if percent else value


def questions(topic: str) -> list[Question]:
    """The questions of a topic, in their order; none if its lesson has none yet."""
    path = LESSONS / f"{topic}.toml"
    if not path.exists():
        return []
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("question", [])
    found = [
        Question(
            topic=topic,
            id=row["id"],
            ask=row["ask"],
            answer=row["answer"],
            why=row["why"],
            choices=tuple(row.get("choices", ())),
            wrong=row.get("wrong", {}),
        )
        for row in rows
    ]
    if len({question.id for question in found}) != len(found):
        raise ValueError(f"{path.name} gives two questions the same id")
    return found


SEED = "seed"
"""The file in a workspace's ``.headway/`` that holds what orders the choices for this learner."""


def seed_of(workspace: Workspace | None) -> str:
    """What orders the choices for the learner of `workspace`: drawn once, then kept there.

    Without a workspace, and where nothing can be written, it is the same for everybody.
    """
    if workspace is None:
        return ""
    file = workspace.marks / SEED
    try:
        if not file.exists():
            create_text(file, f"{random.SystemRandom().getrandbits(64):016x}\n")
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""

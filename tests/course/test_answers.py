"""Answers as learners and cheats write them, a file each: ``answers/<topic>/<exercise>/{right,wrong,cheat}/<what>.py``.

A right answer passes; a wrong one is rejected, whatever it is called; a cheat is forbidden. None of them is one of the
exercise's own solutions or mistakes. What else is expected of a verdict stands in comments at the top of the file:

    # expect: mistake scale       this status (``wrong|timeout``: one of these) and, where one follows, this mistake
    # says: the diagonal          words that the sentence has to contain
    # never says: float32         words that neither the sentence nor what follows it may contain

Every build judges `SAMPLE` of them, those whose names have the smallest CRC-32: the same on every machine, and as many
however many there are. ``make test-slow`` judges all, on fresh seeds.
"""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from headway.learn.exercise import exercises
from headway.learn.judge import Judge

ANSWERS = Path(__file__).parent / "answers"
SAMPLE = 90
STATUSES = {"right": ("passed",), "wrong": ("mistake", "wrong", "raised"), "cheat": ("forbidden",)}


@dataclass(frozen=True)
class Answer:
    """One file, and the verdict that is expected of it."""

    path: Path
    statuses: tuple[str, ...]
    mistake: str = ""
    says: tuple[str, ...] = ()
    never_says: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.path.relative_to(ANSWERS).with_suffix("").as_posix()

    @property
    def exercise(self) -> str:
        return self.path.parent.parent.relative_to(ANSWERS).as_posix()


def read(path: Path) -> Answer:
    """The answer at `path`, with what the comments at its top expect."""
    statuses, mistake = STATUSES[path.parent.name], ""
    words: dict[str, list[str]] = {"says": [], "never says": []}
    for line in path.read_text(encoding="utf-8").splitlines():
        key, colon, value = line.removeprefix("# ").partition(": ")
        if not line.startswith("# ") or not colon:
            break
        if key == "expect":
            first, _, mistake = value.partition(" ")
            statuses = tuple(first.split("|"))
        else:
            words[key].append(value)  # a KeyError here is a comment misspelled
    return Answer(path, statuses, mistake, tuple(words["says"]), tuple(words["never says"]))


FILES = [read(path) for path in sorted(ANSWERS.rglob("*.py"))]
BUILD = {answer.id for answer in sorted(FILES, key=lambda answer: zlib.crc32(answer.id.encode()))[:SAMPLE]}


def judged(answer: Answer, judge: Judge, seed: int) -> None:
    """Judge an answer and compare the verdict with what is expected of it."""
    verdict = judge.check(exercises()[answer.exercise], answer.path, seed)
    said = "\n".join([verdict.line, *verdict.details])
    shown = f"seed {seed}: {verdict.status} {' '.join(verdict.names)}\n{said}"
    assert verdict.status in answer.statuses, shown
    assert verdict.line
    assert not answer.mistake or answer.mistake in verdict.names, shown
    assert all(words in verdict.line for words in answer.says), shown
    assert not any(words in said for words in answer.never_says), shown
    if verdict.status in STATUSES["wrong"]:
        assert verdict.details, shown


@pytest.mark.parametrize("answer", [answer for answer in FILES if answer.id in BUILD], ids=lambda answer: answer.id)
def test_an_answer_gets_its_verdict(answer: Answer, warm_judge: Judge):
    judged(answer, warm_judge, zlib.crc32(answer.id.encode()) % 1_000_000)


@pytest.mark.slow
@pytest.mark.parametrize("answer", FILES, ids=lambda answer: answer.id)
def test_an_answer_gets_its_verdict_on_a_fresh_seed(answer: Answer, warm_judge: Judge):
    judged(answer, warm_judge, random.randrange(1_000_000))


def test_every_answer_is_of_a_known_kind_and_exercise():
    for answer in FILES:
        assert answer.exercise in exercises(), answer.id
        assert not answer.path.stem.startswith("_"), answer.id

"""The lessons side by side: how long each takes, which comes before and after, and what the learner has answered in it.

How long is counted and never guessed: 200 words a minute for what is read, and a minute for every station, a place where
the reader does something (a prediction, a control, the recall questions as one).
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from headway.learn.evidence import Evidence
from headway.learn.exercise import exercises
from headway.learn.path import Topic, the_path
from headway.learn.progress import Progress
from headway.learn.recall import questions
from headway.learn.workspace import Workspace

WORDS_A_MINUTE = 200
PROSE = frozenset({"md", "prose", "story", "Predict", "noted", "head", "callout"})
"""The functions of a lesson whose texts are read."""

PREDICTION, RECALL = "prediction", "recall"
"""Kinds of evidence that a lesson writes, besides ``lesson``."""


@dataclass(frozen=True)
class Length:
    """How much there is to read and to do in a lesson."""

    words: int
    stations: int
    predictions: tuple[str, ...] = ()
    """Its predictions by name, ``topic/id``, in their order."""

    @property
    def minutes(self) -> int:
        return max(1, round(self.words / WORDS_A_MINUTE + self.stations))


def length_of(file: Path) -> Length:
    """The length of the lesson in `file`, counted in its source."""
    return _length(file, file.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _length(file: Path, changed: int) -> Length:
    del changed  # only tells the cache that the file is another one now
    words = stations = 0
    predictions = []
    for cell in ast.parse(file.read_text(encoding="utf-8")).body:
        if not isinstance(cell, ast.FunctionDef):
            continue
        calls = [node for node in ast.walk(cell) if isinstance(node, ast.Call)]
        names = [_name(call.func) for call in calls]
        within = {
            id(node) for call in calls if _name(call.func) in PROSE for node in ast.walk(call) if node is not call
        }
        for call, name in zip(calls, names, strict=True):
            if (
                name in PROSE and id(call) not in within
            ):  # what stands in a call within a call is counted with the outer one
                words += sum(map(_words, _texts(call)))
            if name == "Predict":
                predictions += [ast.literal_eval(call.args[0])] if isinstance(call.args[0], ast.Constant) else []
        controls = any("ui" in _parts(call.func) for call in calls)
        stations += names.count("Predict") + (1 if controls or "Recall" in names else 0)
    return Length(words, stations, tuple(predictions))


def _parts(function: ast.expr) -> list[str]:
    """``mo.ui.slider`` as [mo, ui, slider]."""
    if isinstance(function, ast.Attribute):
        return [*_parts(function.value), function.attr]
    return [function.id] if isinstance(function, ast.Name) else []


def _name(function: ast.expr) -> str:
    return (_parts(function) or [""])[-1]


def _texts(call: ast.Call) -> Iterable[str]:
    return [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _words(text: str) -> int:
    """The words of a piece of Markdown; a formula counts as one, a key or a colour as none."""
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", " formula ", text, flags=re.DOTALL)
    if not re.search(r"\s", text.strip()):
        return 0
    return len(re.findall(r"[^\W_][\w'’.-]*", text))


def written() -> list[Topic]:
    """The topics whose lesson is written, in the order of the path."""
    return [topic for topic in the_path().topics.values() if topic.lesson_file]


def neighbours(topic: str) -> tuple[Topic | None, Topic | None]:
    """The topics of the lessons before and after that of `topic`."""
    row = written()
    place = next((n for n, each in enumerate(row) if each.id == topic), None)
    if place is None:
        return None, None
    return (row[place - 1] if place else None), (row[place + 1] if place + 1 < len(row) else None)


@dataclass(frozen=True)
class Reading:
    """How far the learner is in one lesson: (done, of how many) of each kind; `opened` says that it was."""

    opened: bool
    predictions: tuple[int, int]
    recall: tuple[int, int]
    exercises: tuple[int, int]


def reading(topic: Topic, workspace: Workspace | None) -> Reading:
    """What the evidence has on the lesson of `topic`; nothing done outside a workspace."""
    progress = Progress(workspace) if workspace else None
    return reading_in(topic, progress)


def reading_in(topic: Topic, progress: Progress | None) -> Reading:
    """`reading` of a progress that was read already, for pages that show many topics."""
    asked = {question.name for question in questions(topic.id)}
    file = topic.lesson_file
    guesses = set(length_of(file).predictions) if file else set()
    if progress is None:
        count = sum(each.topic in (topic.id, *topic.also) for each in exercises().values())
        return Reading(False, (0, len(guesses)), (0, len(asked)), (0, count))
    state = progress.topics[topic.id]
    answered = {piece.name for piece in progress.evidence if piece.kind == RECALL} & asked
    predicted = {piece.name for piece in progress.evidence if piece.kind == PREDICTION} & guesses
    return Reading(
        state.lesson is not None,
        (len(predicted), len(guesses)),
        (len(answered), len(asked)),
        (state.passed, len(state.exercises)),
    )


def latest(evidence: Iterable[Evidence], kind: str) -> dict[str, str]:
    """What the learner last answered, by name, of the evidence of one kind that says what was `given`."""
    return {
        piece.name: str(piece.facts["given"])
        for piece in evidence
        if piece.kind == kind and piece.facts.get("given") is not None
    }

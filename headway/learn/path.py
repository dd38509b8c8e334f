"""The path: topics, what each needs first, and what Headway has for it, read from course/path.toml and course/papers.toml."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from headway.base.errors import HeadwayError, did_you_mean
from headway.base.paper import Paper, read_name

COURSE = FilePath(__file__).resolve().parent.parent / "course"
"""The folder of the content."""


@dataclass(frozen=True)
class Rules:
    """What makes a line belong to a topic; the fields are explained at the top of path.toml."""

    phrases: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class TwoMeanings:
    """Words that mean something else outside this field; the fields are explained at the top of path.toml."""

    words: tuple[str, ...]
    certain: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    company: bool = False


@dataclass(frozen=True)
class Topic:
    """A node of the path.

    `check` says what counts as done where there are no exercises (``papers = N``, ``models = N``); `unseen` are patterns of
    lines that ask for something Headway does not see: those are the learner's to tick.
    """

    id: str
    title: str
    why: str
    also: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    test_out: tuple[str, ...] = ()
    lesson: str | None = None
    check: dict[str, int] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    strong: Rules = Rules()
    weak: Rules = Rules()

    @property
    def lesson_file(self) -> FilePath | None:
        """The lesson, where it has been written."""
        file = COURSE / "lessons" / self.lesson if self.lesson else None
        return file if file is not None and file.exists() else None


@dataclass(frozen=True)
class Path:
    """All topics, in an order that respects what each needs."""

    topics: dict[str, Topic]
    papers: dict[str, Paper]
    generic: frozenset[str]
    field: frozenset[str] = frozenset()
    two_meanings: tuple[TwoMeanings, ...] = ()

    def topic(self, name: str) -> Topic:
        """The topic called `name`: its id, another name for it, or its title, capitals and blanks aside."""
        asked = _plain(name)
        for topic in self.topics.values():
            if asked in {_plain(topic.id), _plain(topic.title), *map(_plain, topic.also)}:
                return topic
        known = [word for topic in self.topics.values() for word in (topic.id, *topic.also)]
        hint = did_you_mean(asked, known)
        raise HeadwayError(f"there is no topic '{name}'.{hint} The topics: {', '.join(self.topics)}.")

    def sorted(self, ids: Iterable[str]) -> list[str]:
        """`ids` in the order of the path."""
        wanted = set(ids)
        return [id for id in self.topics if id in wanted]

    def before(self, id: str) -> list[str]:
        """Everything that the topic `id` builds on, directly or not, in the order of the path."""
        found: set[str] = set()
        todo = list(self.topics[id].needs)
        while todo:
            need = todo.pop()
            if need not in found:
                found.add(need)
                todo.extend(self.topics[need].needs)
        return self.sorted(found)


def _plain(name: str) -> str:
    return "-".join(name.lower().replace("_", " ").replace("-", " ").split())


def read_path(course: FilePath = COURSE) -> Path:
    """Read path.toml and papers.toml of the folder `course` and hold them against each other.

    Raises ValueError on an unknown key, a name used twice, or a need that does not come first: a mistake of the course,
    not of the learner.
    """
    content = tomllib.loads((course / "path.toml").read_text(encoding="utf-8"))
    papers = read_papers(course)
    topics: dict[str, Topic] = {}
    names: set[str] = set()
    for row in content["topic"]:
        match = dict(row.pop("match", {}))
        weak = Rules(**_tuples(match.pop("weak", {})))
        topic = Topic(**_tuples(row), strong=Rules(**_tuples(match)), weak=weak)
        for name in (topic.id, *topic.also):
            if _plain(name) in names:
                raise ValueError(f"path.toml: two topics are called {name!r}")
            names.add(_plain(name))
        for need in topic.needs:
            if need not in topics:
                raise ValueError(f"path.toml: {topic.id} needs {need!r}, which does not come before it")
        for key in topic.papers:
            if key not in papers:
                raise ValueError(f"path.toml: {topic.id} names the paper {key!r}, which papers.toml does not know")
            papers[key] = dataclasses.replace(papers[key], topics=(*papers[key].topics, topic.id))
        topics[topic.id] = topic
    reading = content["reading"]
    two = tuple(TwoMeanings(**_tuples(row)) for row in reading.get("two_meanings", []))
    return Path(topics, papers, frozenset(reading["generic"]), frozenset(reading.get("field", [])), two)


def read_papers(course: FilePath = COURSE) -> dict[str, Paper]:
    """The papers of papers.toml in the folder `course`, by key; which topics they belong to stands in path.toml.

    Raises ValueError where two have one key.
    """
    papers: dict[str, Paper] = {}
    for row in tomllib.loads((course / "papers.toml").read_text(encoding="utf-8"))["paper"]:
        paper = Paper(**_tuples(row | {"authors": [read_name(name) for name in row["authors"]]}))
        if paper.key in papers:
            raise ValueError(f"papers.toml: two papers are called {paper.key!r}")
        papers[paper.key] = paper
    return papers


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


@functools.cache
def the_papers() -> dict[str, Paper]:
    """The papers that Headway ships, without their topics: all of them are cheaper to have than the path."""
    return read_papers()


@functools.cache
def the_path() -> Path:
    """The path that Headway ships."""
    return read_path()

"""The one next step: which line of the plan, which topic, what to do, and the command to type."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headway.base.errors import HeadwayError
from headway.learn.exercise import Exercise
from headway.learn.plan import Item
from headway.learn.progress import Progress, TopicState
from headway.learn.workspace import Workspace, find_workspace


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        item: The line of the plan it serves; None where a topic was asked for that no open line names.
        topic: The topic.
        what: What to do, in a few words.
        command: What to type.
        file: The learner's file to edit first, if there is one.
        before: Topics it builds on that are neither done nor skipped, in the order of the path.
    """

    item: Item | None
    topic: TopicState
    what: str
    command: str
    file: Path | None = None
    before: tuple[str, ...] = ()


def next_step(progress: Progress) -> Step | None:
    """The first thing to do in the order of the plan; where the plan leaves nothing, in the order of the path.

    Lines that are ticked, topics that are done or skipped are passed over. Topics that Headway has no way to check come after
    all others, lines before topics that no line names: their papers are there to be read, and the line is the learner's to tick.
    """
    open_ = list(_open_topics(progress))
    for item, topic in open_:
        if step := step_in(progress, topic, item):
            return step
    for item, topic in open_:
        if item is not None and (step := unchecked_step(progress, topic, item)):
            return step
    return None


def unchecked_step(progress: Progress, topic: TopicState, item: Item | None = None) -> Step | None:
    """What to do in a topic for which there is no exercise and no count yet: read its papers, then tick the line oneself."""
    if topic.checkable or topic.done:
        return None
    name = topic.topic.id
    left = [key for key in topic.topic.papers if key not in topic.papers]
    named = [key for key in (progress.line(item).match.papers if item else ()) if key not in progress.noted]
    if (named or left) and not (set(topic.topic.papers) & set(topic.papers)):
        paper = progress.path.papers[(named or left)[0]]
        what = f"no exercise for it yet: read {paper.short}, {paper.title}, and write a note"
        file = progress.workspace.papers / f"{paper.key}.md"
        return Step(item, topic, what, f"headway papers note {paper.key}", file if file.exists() else None)
    if item is None:
        return None
    models = f", `headway models {topic.topic.models[0]}` shows its model" if topic.topic.models else ""
    more = f", {len(left)} more of its papers are in `headway papers --topic {name}`" if left else ""
    return Step(
        item, topic, f"no exercise for it yet{models}{more}: tick it when you are done", f"headway tick {item.line}"
    )


def open_lines(progress: Progress) -> tuple[int, int]:
    """How many open lines are left that are about topics which the learner skipped, and how many are theirs to tick."""
    skipped = mine = 0
    for line in progress.lines:
        if line.item.box is None or line.item.mark != " " or line.item.empty or line.unticked:
            continue
        about = [progress.topics[topic] for topic in line.match.topics]
        if any(state.skipped and not state.done for state in about):
            skipped += 1
        else:
            mine += 1
    return skipped, mine


def step_in(progress: Progress, topic: TopicState, item: Item | None = None) -> Step | None:
    """The first thing to do within one topic; None where it is done, or Headway has nothing in it yet that it can check.

    A lesson that is there comes first, whatever the topic has besides.
    """
    if topic.done:
        return None
    state = progress.topics
    before = tuple(
        id
        for id in progress.path.before(topic.topic.id)
        if not state[id].done and not state[id].skipped and state[id].checkable
    )
    name = topic.topic.id
    if topic.lesson is None and topic.topic.lesson_file is not None:
        minutes = "10 to 15 minutes, in the browser"
        return Step(item, topic, f"read the lesson ({minutes})", f"headway read {name}", before=before)
    for n, exercise in enumerate(topic.exercises, 1):
        if not exercise.done:
            file = progress.workspace.exercise_file(exercise.exercise.id)
            what = f"exercise {n} of {len(topic.exercises)}: {_lower(exercise.exercise.title)}"
            return Step(item, topic, what, f"headway check {exercise.exercise.id}", file, before)
    if "models" in topic.topic.check:
        have, want = topic.counts["models"]
        if not have:
            return Step(item, topic, "talk with a model", "headway chat", before=before)
        if have < want:
            other, command = next((name, command) for name, command in _OTHER_MODELS if name not in topic.models)
            return Step(item, topic, f"model {have + 1} of {want}: run another, {other}", command, before=before)
    if "papers" in topic.topic.check:
        have, want = topic.counts["papers"]
        # Where any paper will do, those of the topics the learner is at come first.
        shelves = sorted(progress.topics.values(), key=lambda state: not state.began)
        any_paper = [key for state in shelves for key in state.topic.papers]
        named = progress.line(item).match.papers if item else ()  # the line is a paper: that one is meant
        papers = [key for key in (*named, *(topic.topic.papers or any_paper)) if key not in progress.noted]
        if papers:
            paper = progress.path.papers[papers[0]]
            what = f"note {have + 1} of {want}, in your own words: {paper.short}, {paper.title}"
            file = progress.workspace.papers / f"{paper.key}.md"
            return Step(item, topic, what, f"headway papers note {paper.key}", file if file.exists() else None, before)
    for claim in topic.topic.claims:
        if claim not in topic.claims:
            return Step(item, topic, f"reproduce its claim {claim}", f"headway reproduce {claim}", before=before)
    return None


_OTHER_MODELS = (
    ("shakespeare-char", 'headway run shakespeare-char "ROMEO:"'),
    ("numbers-transformer", 'headway run numbers-transformer "four hundred and two"'),
    ("numbers-gru", 'headway run numbers-gru "four hundred and two"'),
)
"""Models that come with Headway, and how to try each: more of them than any topic asks for."""


def _lower(title: str) -> str:
    """A title in the middle of a sentence; a capital stays where the word has more of them."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def _open_topics(progress: Progress) -> Iterator[tuple[Item | None, TopicState]]:
    seen: set[str] = set()
    tasks = bool(progress.plan.tasks)
    for line in progress.lines:
        if line.item.ticked or line.unticked or line.item.kind == "heading":
            continue
        if line.item.kind == "bullet" and tasks:
            continue  # a note among tasks
        if line.item.mark not in ("", " "):
            continue  # marked in another program's way: cancelled, in progress, ...
        for topic in line.match.topics:
            if topic not in seen and not progress.topics[topic].skipped:
                seen.add(topic)
                yield line.item, progress.topics[topic]
    for topic, state in progress.topics.items():
        if topic not in seen and not state.skipped:
            yield None, state


def compared(topic: TopicState, progress: Progress) -> tuple[str, str] | None:
    """Two architectures whose difference is what the topic is about: its own, and the one it builds on or a second of its own."""
    if not topic.topic.models:
        return None
    mine = topic.topic.models[0]
    for need in reversed(progress.path.before(topic.topic.id)):
        if models := [name for name in progress.path.topics[need].models if name != mine]:
            return models[0], mine
    return (mine, topic.topic.models[1]) if len(topic.topic.models) > 1 else None


def hardest(topic: TopicState) -> list[Exercise]:
    """The exercises that stand for the whole topic: those path.toml names, else the last third of them."""
    found = [state.exercise for state in topic.exercises]
    named = [
        exercise for exercise in found if exercise.name in topic.topic.test_out or exercise.id in topic.topic.test_out
    ]
    return named or found[-max(1, -(-len(found) // 3)) :] if found else []


def typed(workspace: Workspace, path: Path) -> str:
    """`path` as a person would type it here: relative where it lies below the current folder, quoted where it must be."""
    try:
        return shlex.quote(os.path.relpath(path)) if path.is_relative_to(Path.cwd()) else shlex.quote(str(path))
    except OSError:
        return shlex.quote(str(path))


def activation() -> str | None:
    """The line that makes ``headway`` a word of this shell, where it is not one: Headway was started from a venv by its path."""
    scripts = Path(sys.executable).parent
    if shutil.which("headway") or not (scripts / "activate").exists():
        return None
    try:
        shown = scripts.relative_to(Path.cwd())
    except ValueError:
        shown = scripts
    return f"source {shlex.quote(str(shown / 'activate'))}"


def way_in(workspace: Workspace) -> str | None:
    """``cd ...`` where Headway, asked from the current folder, would not find this workspace; None where it would."""
    try:
        if find_workspace().root.resolve() == workspace.root.resolve():
            return None
    except HeadwayError:
        pass
    return f"cd {typed(workspace, workspace.root)}"

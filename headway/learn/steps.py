"""The one next step: which line of the plan, which topic, what to do, and the command to type."""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headway.base.errors import HeadwayError
from headway.learn.exercise import Exercise
from headway.learn.plan import Item
from headway.learn.plug import command_for
from headway.learn.progress import Line, Progress, TopicState
from headway.learn.workspace import Workspace, find_workspace


@dataclass(frozen=True)
class Offer:
    """Something that can be done, in a few words, and what to type for it."""

    what: str
    command: str


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        item: The line of the plan it serves; None where a topic was asked for that no open line names.
        topic: The topic; None for a line that is about none.
        what: What to do, in a few words.
        command: What to type.
        file: The learner's file to edit first, if there is one.
        before: Topics it builds on that are neither done nor skipped, in the order of the path.
        besides: What could be done at this point as well.
    """

    item: Item | None
    topic: TopicState | None
    what: str
    command: str
    file: Path | None = None
    before: tuple[str, ...] = ()
    besides: tuple[Offer, ...] = ()


def next_step(progress: Progress) -> Step | None:
    """The first thing to do in the order of the plan; where the plan leaves nothing, in the order of the path.

    Of the plan's open lines, those come first in which Headway can check something; then those about topics without exercises,
    whose papers and models are there; then those that only the learner can tick. So None means that no line is open. Topics
    that are done or skipped are passed over, and so are lines whose tick was taken away by hand, until nothing else is left.

    A function the learner wrote that a real model calls, and that was never run in one, is offered besides.
    """
    step = _next_step(progress)
    own = own_model(progress)
    if step is None or own is None:
        return step
    return dataclasses.replace(step, besides=(own, *step.besides))


def _next_step(progress: Progress) -> Step | None:
    lines = list(_open_lines(progress))
    seen: set[str] = set()
    for item, topics in lines:
        for topic in topics:
            if topic.topic.id not in seen and (step := step_in(progress, topic, item)):
                return step
            seen.add(topic.topic.id)
    for item, topics in lines:
        if step := reading_step(progress, topics, item):
            return step
    for line in sorted(progress.lines, key=lambda line: line.unticked):
        if step := _own_tick(progress, line):
            return step
    for name, state in progress.topics.items():
        if name not in seen and not state.skipped and (step := step_in(progress, state)):
            return step
    return None


def reading_step(progress: Progress, topics: Sequence[TopicState], item: Item | None = None) -> Step | None:
    """What to do in topics for which there is no exercise and no count yet: read of each a paper, then tick the line oneself.

    None where one of `topics` is still to be done by what Headway can check, or nothing is left.
    """
    left = [state for state in topics if not state.done]
    if not left or any(state.checkable for state in left):
        return None
    named = progress.line(item).match.papers if item else ()  # the line is a paper: that one is meant
    for state in left:
        mine = [key for key in named if key in state.topic.papers]
        wanted = [key for key in mine or state.topic.papers if key not in progress.noted]
        if wanted and (mine or not state.papers):
            paper = progress.path.papers[wanted[0]]
            what = f"no exercise for it yet: read {paper.short}, {paper.title}, and write a note"
            file = progress.workspace.papers / f"{paper.key}.md"
            besides = tuple(seen_at_work(state, progress))
            command = f"headway papers note {paper.key}"
            return Step(item, state, what, command, file if file.exists() else None, besides=besides)
    if item is None or item.box is None:
        return None
    offers = [offer for state in left for offer in (*seen_at_work(state, progress), *_more_papers(state))]
    there = "what is there for it stands below; " if offers else ""
    what = f"no exercise for it yet: {there}tick it when you are done"
    return Step(item, left[0], what, f"headway tick {item.line}", besides=tuple(offers))


def _more_papers(state: TopicState) -> Iterator[Offer]:
    """The topic's papers there is no note on yet."""
    if left := [key for key in state.topic.papers if key not in state.papers]:
        yield Offer(
            f"{_count(len(left), 'more paper')} of {state.topic.id}", f"headway papers --topic {state.topic.id}"
        )


def seen_at_work(state: TopicState, progress: Progress) -> Iterator[Offer]:
    """The topic's models: one to run and to look into where Headway has weights of it, its code, and what it changes."""
    models = state.topic.models
    for name in models:
        if name in RUNS:
            yield Offer(f"run a real {name}", RUNS[name])
            model, text = shlex.split(RUNS[name])[2:4]
            yield Offer("see inside it", f'headway look {model} "{text}"')
            break
    if models:
        yield Offer("its code", f"headway models {models[0]}")
    if pair := compared(state, progress):
        yield Offer("what it changes", f"headway diff {' '.join(pair)}")


RUNS = {
    "gpt2": 'headway run shakespeare-char "ROMEO:"',
    "llama": 'headway run smollm2-135m "Why is the sky blue?"',
    "bert": 'headway run minilm-l6 "a cat" "a kitten" "a car"',
    "seq2seq": 'headway run numbers-gru "four hundred and two"',
    "transformer": 'headway run numbers-transformer "four hundred and two"',
}
"""Architecture -> how to run weights of it that take no more than words. A test holds it against headway/zoo.py."""


def _own_tick(progress: Progress, line: Line) -> Step | None:
    """The step for an open line that only the learner can tick, with what Headway knows about it; None for any other line."""
    item = line.item
    ticked, total = line.beneath
    if item.box is None or item.mark != " " or item.empty or (total and ticked < total):
        return None
    states = [progress.topics[topic] for topic in line.match.topics]
    skipped = [state.topic for state in states if state.skipped and not state.done]
    besides: tuple[Offer, ...] = ()
    if line.earned and not line.unticked:
        what = "what it is about is done, and Headway could not tick it"
    elif line.unticked:
        what = "you took its tick away: tick it again when it is done"
    elif total:
        beneath = "the line beneath it is" if total == 1 else f"all {total} lines beneath it are"
        what = f"{beneath} ticked: this one is yours to tick"
    elif not states:
        what = "it is about no topic that Headway knows: tick it when it is done"
        besides = (Offer("or say what it is about", f"headway plan match {item.line} TOPIC"),)
    elif skipped:
        names = " and ".join(topic.title for topic in skipped)
        what = f"you skipped {names}, so that this line is yours to tick"
        ids = " ".join(topic.id for topic in skipped)
        besides = (Offer("or take it up again", f"headway skip {ids} --undo"),)
    elif line.match.unseen:
        what = "Headway does not see this done: tick it when it is"
    else:
        what = "tick it when it is done"
    state = states[0] if states else None
    return Step(item, state, what, f"headway tick {item.line}", besides=besides)


def still_there(state: TopicState, progress: Progress) -> list[Offer]:
    """What a topic has left besides its exercises: its lesson, claims, papers, models, and what comes back in a review."""
    topic, found = state.topic, []
    if topic.lesson_file is not None and state.lesson is None:
        found.append(Offer("its lesson", f"headway read {topic.id}"))
    if claims := [name for name in topic.claims if name not in state.claims]:
        found.append(Offer(f"{_count(len(claims), 'claim')} to reproduce", f"headway reproduce {claims[0]}"))
    if papers := [key for key in topic.papers if key not in state.papers]:
        found.append(Offer(f"{_count(len(papers), 'paper')} to note", f"headway papers note {papers[0]}"))
    found += seen_at_work(state, progress)
    if any(exercise.tries or exercise.aided for exercise in state.exercises):
        found.append(Offer("what went wrong comes back", "headway review"))
    return found


def own_model(progress: Progress) -> Offer | None:
    """A real model on the exercise passed last, of those that a model calls and that were never run in one."""
    passed = {
        exercise.exercise.id: exercise.passed
        for state in progress.topics.values()
        for exercise in state.exercises
        if exercise.passed is not None
        and command_for(exercise.exercise.id)
        and exercise.exercise.id not in progress.plugged
    }
    if not passed:
        return None
    latest = max(passed, key=lambda name: passed[name].time)
    return Offer(f"a real model runs on your {latest}", command_for(latest) or "")


def parts_of(state: TopicState) -> list[str]:
    """What there is in a topic: ``lesson``, ``2/6 exercises``, ``1/3 claims``, ``5 models``, ``1/2 papers``."""
    topic = state.topic
    found = ["lesson read" if state.lesson else "lesson"] if topic.lesson_file is not None else []
    for have, want, what in (
        (state.passed, len(state.exercises), "exercise"),
        (len(state.claims), len(topic.claims), "claim"),
        (None, len(topic.models), "model"),
        (None if "papers" in state.counts else len(state.papers), len(topic.papers), "paper"),
    ):
        if want:
            found.append(_count(want, what) if have is None else f"{have}/{_count(want, what)}")
    counted = {"papers": "notes", "models": "models used"}
    return [f"{have}/{want} {counted[what]}" for what, (have, want) in state.counts.items() if what in counted] + found


def _count(n: int, what: str) -> str:
    """``1 claim``, ``3 claims``."""
    return f"{n} {what}{'s' * (n != 1)}"


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


def _open_lines(progress: Progress) -> Iterator[tuple[Item, list[TopicState]]]:
    """The lines of the plan that are open and about something, each with its topics that are not skipped."""
    tasks = bool(progress.plan.tasks)
    for line in progress.lines:
        if line.item.ticked or line.unticked or line.item.kind == "heading":
            continue
        if line.item.kind == "bullet" and tasks:
            continue  # a note among tasks
        if line.item.mark not in ("", " "):
            continue  # marked in another program's way: cancelled, in progress, ...
        states = [progress.topics[topic] for topic in line.match.topics]
        if open_ := [state for state in states if not state.skipped]:
            yield line.item, open_


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

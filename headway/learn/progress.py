"""How far the learner is: derived from the evidence log and the plan, stored nowhere.

The rules, stated here and nowhere else:

- An exercise is done once it has passed. (That its solution was shown before is said beside it, and does not undo it.)
- A topic with exercises is done when all of them are, or when it was tested out of (its hardest ones passed unaided: no hint
  and no solution was shown before).
- A topic without exercises is done by its `check`: notes on so many of its papers, or so many different models used.
  A topic with nothing to check yet is never done, so that nothing is ticked that nobody looked at.
- Lessons read and claims reproduced are shown, and decide nothing.
- Headway ticks a line when all topics it is matched to are done. A line that is a paper (its title, its address), in topics
  without exercises, it ticks when there is a note on that paper. A line that asks for what Headway does not see (a program of
  one's own that calls an API) it never ticks. A line that is about no topic, with boxes beneath it, it
  ticks when all of those are ticked and Headway ticked at least one of them. Empty boxes count for nothing.
- Headway never unticks, and never ticks again what was unticked by hand. A box ticked by hand stays, and is shown as such.
- Boxes that other programs use (``[-]``, ``[/]``, ...) Headway leaves alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from headway.base.errors import HeadwayError
from headway.learn.evidence import Evidence, check_writable, read, record, record_all
from headway.learn.exercise import Exercise, exercises, find_exercise
from headway.learn.match import Match, match_plan, read_corrections
from headway.learn.path import Path, Topic, the_path
from headway.learn.plan import Item, Key, Plan, mark
from headway.learn.plan import read as read_plan
from headway.learn.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from headway.learn.judge import Verdict

PASSED = "passed"
GAVE_UP = "gave-up"
TESTED_OUT = "tested-out"
SKIPPED = "skipped"
UNSKIPPED = "unskipped"
UNTRIED = ("unfinished", "missing", "syntax")
"""Verdicts on a file that nobody claims is finished: no mistakes."""
BY_HEADWAY = "headway"
BY_HAND = "hand"
USED = "used"
EMPTIED = "emptied"
"""A note on a paper that was one, and has been emptied or taken away since."""


@dataclass(frozen=True)
class ExerciseState:
    """One exercise as the log has it. `passed` is the first pass, `tries` the failed checks before it; `shown` says that its
    solution, `hinted` that a hint was shown before it."""

    exercise: Exercise
    passed: Evidence | None = None
    last: Evidence | None = None
    tries: int = 0
    shown: bool = False
    hinted: bool = False

    @property
    def done(self) -> bool:
        return self.passed is not None

    @property
    def aided(self) -> bool:
        """Whether a hint or the solution was shown before it passed."""
        return self.shown or self.hinted


@dataclass(frozen=True)
class TopicState:
    """One topic as the log has it."""

    topic: Topic
    exercises: tuple[ExerciseState, ...] = ()
    tested_out: Evidence | None = None
    skipped: Evidence | None = None
    lesson: Evidence | None = None
    claims: dict[str, Evidence] = field(default_factory=dict)
    papers: dict[str, Evidence] = field(default_factory=dict)
    models: dict[str, Evidence] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        return sum(state.done for state in self.exercises)

    @property
    def checkable(self) -> bool:
        """Whether there is anything by which it can be done."""
        return bool(self.exercises or self.topic.check)

    @property
    def done(self) -> bool:
        """See the rules at the top."""
        if self.exercises:
            return self.tested_out is not None or self.passed == len(self.exercises)
        return bool(self.topic.check) and all(have >= want for have, want in self.counts.values())

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """What is counted: ``exercises``, ``papers`` or ``models``, with how many there are and how many it takes."""
        if self.exercises:
            return {"exercises": (self.passed, len(self.exercises))}
        have = {"papers": len(self.papers), "models": len(self.models)}
        return {what: (min(have[what], want), want) for what, want in self.topic.check.items()}

    @property
    def began(self) -> bool:
        """Whether the log has anything on it at all."""
        return bool(self.lesson or self.claims or self.papers or any(state.last for state in self.exercises))


@dataclass(frozen=True)
class Line:
    """One line of the plan, with what stands behind its box.

    Attributes:
        item, match: The line and its topics.
        by: ``headway`` or ``hand`` where it is ticked, else None.
        ticked_at: When, as far as the log knows (ISO 8601), else an empty string.
        earned: Whether the rules at the top would tick it.
        unticked: Whether the learner took Headway's tick away.
        beneath: (ticked, all) of the boxes beneath it, empty ones aside.
    """

    item: Item
    match: Match
    by: str | None
    ticked_at: str
    earned: bool
    unticked: bool
    beneath: tuple[int, int]


class Progress:
    """Everything that can be said about a workspace at one moment. Build it anew after anything changed."""

    def __init__(self, workspace: Workspace, path: Path | None = None) -> None:
        self.workspace = workspace
        self.path = path or the_path()
        self.evidence = read(workspace)

    @functools.cached_property
    def topics(self) -> dict[str, TopicState]:
        """Every topic of the path, in its order."""
        mine = {e.id: ExerciseState(e) for e in exercises().values()}
        skips: dict[str, Evidence | None] = {}
        tested: dict[str, Evidence] = {}
        lessons: dict[str, Evidence] = {}
        claims: dict[str, Evidence] = {}
        papers: dict[str, Evidence] = {}
        models: dict[str, Evidence] = {}
        for piece in self.evidence:
            if piece.kind in ("exercise", "hint") and piece.name in mine:
                mine[piece.name] = _after(mine[piece.name], piece)
            elif piece.kind == "skip" and piece.result == TESTED_OUT:
                tested[piece.name] = piece
            elif piece.kind == "skip":
                skips[piece.name] = None if piece.result == UNSKIPPED else piece
            elif piece.kind == "lesson":
                lessons.setdefault(piece.name, piece)
            elif piece.kind == "claim":
                claims[piece.name] = piece
            elif piece.kind == "paper" and piece.result == EMPTIED:
                papers.pop(piece.name, None)
            elif piece.kind == "paper":
                papers.setdefault(piece.name, piece)
            elif piece.kind == "run" and piece.result == USED:
                models.setdefault(piece.name, piece)
        return {
            topic.id: TopicState(
                topic=topic,
                exercises=tuple(state for state in mine.values() if state.exercise.topic in (topic.id, *topic.also)),
                tested_out=tested.get(topic.id),
                skipped=skips.get(topic.id),
                lesson=lessons.get(topic.id),
                claims={name: claims[name] for name in topic.claims if name in claims},
                papers={key: found for key, found in papers.items() if not topic.papers or key in topic.papers},
                models=models,
            )
            for topic in self.path.topics.values()
        }

    @functools.cached_property
    def noted(self) -> frozenset[str]:
        """The keys of the papers there is a note on."""
        found: set[str] = set()
        for piece in self.evidence:
            if piece.kind == "paper":
                (found.discard if piece.result == EMPTIED else found.add)(piece.name)
        return frozenset(found)

    @functools.cached_property
    def plugged(self) -> frozenset[str]:
        """The ids of the exercises on which the learner has run a real model."""
        runs = (piece.facts.get("exercise") for piece in self.evidence if piece.kind == "run")
        return frozenset(name for name in runs if isinstance(name, str))

    @functools.cached_property
    def plan(self) -> Plan:
        return plan_of(self.workspace)

    @functools.cached_property
    def matches(self) -> list[Match]:
        return match_plan(self.plan, read_corrections(self.workspace, self.path))

    @functools.cached_property
    def lines(self) -> list[Line]:
        """Every item of the plan, by `Item.index`."""
        plan = self.plan
        history: dict[int, Evidence] = {}
        for piece in self.evidence:
            if piece.kind in ("tick", "untick") and (key := Key.from_facts(piece.facts)):
                item = plan.locate(key)
                if item is not None:
                    history[item.index] = piece
        out: list[Line | None] = [None] * len(plan.items)
        counts: dict[int, tuple[int, int, int]] = {}  # index -> boxes beneath: ticked, all, ticked or earned by Headway
        for item in reversed(plan.items):
            match = self.matches[item.index]
            ticked, total, ours = counts.get(item.index, (0, 0, 0))
            last = history.get(item.index)
            by_us = last is not None and last.kind == "tick" and last.result == BY_HEADWAY
            unticked = not item.ticked and last is not None and (last.kind == "untick" or by_us)
            if match.topics:
                states = [self.topics[topic] for topic in match.topics]
                read_it = (
                    match.papers
                    and self.noted.issuperset(match.papers)
                    and not any(state.exercises for state in states)
                )
                earned = not match.unseen and (bool(read_it) or all(state.done for state in states))
            else:
                earned = total > 0 and ticked == total and ours > 0
            earned = earned and not item.empty
            by = (BY_HEADWAY if by_us else BY_HAND) if item.ticked else None
            at = last.time if last is not None and last.kind == "tick" and item.ticked else ""
            out[item.index] = Line(item, match, by, at, earned, unticked, (ticked, total))
            if item.parent is not None:
                soon = item.box is not None and (item.ticked or (earned and not unticked and item.mark == " "))
                mine = soon and (by != BY_HAND)
                above = counts.get(item.parent, (0, 0, 0))
                box = int(item.box is not None and not item.empty)
                counts[item.parent] = (
                    above[0] + ticked + int(soon and box),
                    above[1] + total + box,
                    above[2] + ours + int(mine and box),
                )
        return [line for line in out if line is not None]

    def line(self, item: Item) -> Line:
        return self.lines[item.index]


def plan_of(workspace: Workspace) -> Plan:
    """The learner's plan as it lies on the disk.

    Raises HeadwayError where it is gone, with what brings one back, or cannot be read.
    """
    if not workspace.plan.exists():
        raise HeadwayError(
            f"there is no {workspace.plan.name} in {workspace.root}: `headway start` puts a plan there, "
            "`headway start YOUR.md` yours; all you did is still known."
        )
    return read_plan(workspace.plan)


def _after(state: ExerciseState, piece: Evidence) -> ExerciseState:
    """`state` after one more line of the log."""
    passed, tries, shown = state.passed, state.tries, state.shown
    if piece.kind == "hint":
        return dataclasses.replace(state, hinted=state.hinted or passed is None)
    if piece.result == PASSED:
        passed = passed or piece
    elif piece.result == GAVE_UP:
        shown = shown or passed is None
    elif piece.result not in UNTRIED:
        tries += passed is None
    return ExerciseState(state.exercise, passed, piece, tries, shown, state.hinted)


def sync(workspace: Workspace, progress: Progress | None = None) -> list[Item]:
    """Tick in the plan what the evidence has earned, and return the lines that were ticked just now.

    Safe to call at any time and by several commands at once: it reads the plan again as it writes, changes one byte per
    line, and records a tick only after it stands in the file. A plan that cannot be read or written just now is left for
    the next time: no verdict is lost because a plan is. `progress` is what was read a moment ago, if it was.
    """
    progress = progress or Progress(workspace)
    try:
        ready = [
            line.item
            for line in progress.lines
            if line.earned and not line.unticked and line.item.box is not None and line.item.mark == " "
        ]
        if not ready:
            return []
        check_writable(workspace)
        change = mark(workspace.plan, {item.key: None for item in ready}, lock_of(workspace))
    except (HeadwayError, OSError):
        return []
    ticked = [item for item in ready if item.key in change.done]
    rows = [
        {
            "kind": "tick",
            "name": item.text,
            "result": BY_HEADWAY,
            "facts": item.key.facts() | {"topics": list(progress.matches[item.index].topics)},
        }
        for item in ticked
    ]
    record_all(workspace, rows)
    return ticked


def tick(workspace: Workspace, items: Iterable[Item], on: bool = True) -> tuple[list[Item], list[Item], list[Item]]:
    """Tick (or untick) lines by hand: those changed, those that were so already, those that are gone from the file.

    Raises OSError, with nothing changed, where the log cannot be written; HeadwayError where that shows only afterwards.
    """
    items = list(items)
    check_writable(workspace)
    wishes: dict[Key, str | None] = {item.key: _last_letter(workspace, item) if on else " " for item in items}
    change = mark(workspace.plan, wishes, lock_of(workspace))
    for item in items:
        if item.key in change.done:
            facts = {**item.key.facts(), "was": item.mark}
            try:
                record(workspace, kind="tick" if on else "untick", name=item.text, result=BY_HAND, **facts)
            except OSError as error:
                raise HeadwayError(
                    f"{workspace.plan} is changed as you asked, but {workspace.log} could not be written ({error.strerror}): "
                    "free some room or allow writing there, and run the same command again."
                ) from error
    changed = [item for item in items if item.key in change.done]
    already = [item for item in items if item.key in change.already]
    gone = [item for item in items if item.key in change.gone]
    return changed, already, gone


def _last_letter(workspace: Workspace, item: Item) -> str | None:
    """The letter this line's box had when it was last unticked by command, so that ticking brings the very byte back."""
    for piece in reversed(read(workspace)):
        if piece.kind == "untick" and Key.from_facts(piece.facts) == item.key:
            was = piece.facts.get("was")
            return was if was in ("x", "X") else None
    return None


def remember(workspace: Workspace, verdict: Verdict, kind: str = "exercise") -> Evidence:
    """Write a verdict of the judge into the log: ``passed``, or its status; what was wrong is among the facts.

    `kind` is ``review`` where an old exercise was written again. What is our fault (``broken``) is no evidence, and is
    not written.
    """
    facts: dict[str, Any] = {"seed": verdict.seed, "seconds": round(verdict.seconds, 2)}
    if verdict.names:
        facts["mistakes"] = list(verdict.names)
    result = PASSED if verdict.passed else verdict.status
    if verdict.status == "broken":
        return Evidence("", kind, verdict.exercise, result, facts)
    return record(workspace, kind=kind, name=verdict.exercise, result=result, **facts)


def lock_of(workspace: Workspace):
    """The file that keeps two commands from writing the plan at once."""
    return workspace.marks / "plan.lock"


def used(model: str, own: FilePath | None = None) -> None:
    """Remember, where there is a workspace, that the learner has used a model; `own` is their file that ran in it, if one did."""

    try:
        workspace = find_workspace()
    except HeadwayError:
        return
    facts: dict[str, str] = {}
    if own is not None:
        with contextlib.suppress(HeadwayError):  # a file of their own that belongs to no exercise
            facts["exercise"] = find_exercise(str(own.absolute())).id
    record(workspace, kind="run", name=model, result=USED, **facts)

"""How the plan, a topic and the next step look on a terminal: shared by start, plan, tick, next, skip and test-out."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from headway.base.console import out, under
from headway.learn.plan import mend
from headway.learn.progress import Progress
from headway.learn.steps import activation, compared, open_lines, typed, way_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.learn.plan import Item
    from headway.learn.progress import Line, TopicState
    from headway.learn.steps import Step
    from headway.learn.workspace import Workspace

WIDEST = 118
"""Columns; a plan is not drawn wider than this, however wide the terminal."""


def glyphs() -> dict[str, str]:
    """The marks of a line, in ASCII where the terminal knows no others."""
    try:
        "✔✓✗○·…".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return {"headway": "[*]", "hand": "[x]", "open": "[ ]", "none": " - ", "wrong": "x"}
    return {"headway": "✔", "hand": "✓", "open": "○", "none": "·", "wrong": "✗"}


def fit() -> dict[str, Any]:
    """How to print a line that must not wrap: cut on a terminal, whole in a pipe."""
    return {"no_wrap": True, "overflow": "ellipsis"} if out().is_terminal else {}


_LINKS = re.compile(r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+[^)]*)?\)")
_WIKI = re.compile(r"!?\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")
_EMPHASIS = re.compile(r"(\*\*|__|~~|==|`|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w))")


def shown(text: str) -> str:
    """A line of the plan for the eye: links by their text, no emphasis marks, wrong encodings mended."""
    text = mend(text)
    text = _WIKI.sub(r"\1", _LINKS.sub(r"\1", text))
    text = _EMPHASIS.sub("", text)
    text = re.sub(r"<?https?://(?:www\.)?([^\s>]+)>?", r"\1", text)
    return " ".join("".join(c for c in text if c.isprintable()).split())


def day(time: str) -> str:
    """``24 Nov 2026``, in local time."""
    when = datetime.fromisoformat(time).astimezone()
    return f"{when.day} {when:%b %Y}"


def count_of(state: TopicState) -> str:
    """``attention 1/3``; only the name where there is nothing to check yet."""
    if state.tested_out and state.done:
        return f"{state.topic.id} tested out"
    if state.skipped and not state.done:
        return f"{state.topic.id} skipped"
    for what, (have, want) in state.counts.items():
        return f"{state.topic.id} {have}/{want}" + ("" if what == "exercises" else f" {what}")
    return state.topic.id


def evidence_of(line: Line, progress: Progress) -> Text:
    """What stands behind a line's box, or what is still to come, in a few words."""
    states = [progress.topics[topic] for topic in line.match.topics]
    counts = ", ".join(count_of(state) for state in states)
    if line.match.papers and not any(state.exercises for state in states):
        written = sum(key in progress.noted for key in line.match.papers)
        total = len(line.match.papers)
        counts = f"{', '.join(line.match.papers)} {'noted' if written == total else f'{written}/{total} notes'}"
    elif line.match.unseen and line.by is None:
        counts = f"{counts}; yours to tick"
    elif states and line.by is None and not any(state.checkable or state.skipped for state in states):
        counts = f"{counts}: papers to read, yours to tick"
    ticked, total = line.beneath
    if line.by == "headway":
        since = f", {day(line.ticked_at)}" if line.ticked_at else ""
        return Text((counts or f"all {total} beneath") + since, style="green")
    if line.by == "hand":
        earned = line.earned and counts
        text = Text("by hand", style="cyan")
        return text.append(
            f", and {counts}" if earned else f" · {counts}" if counts else "", style="green" if earned else "dim"
        )
    if line.unticked and line.earned:
        return Text(f"unticked by hand; {counts or 'all beneath done'}", style="dim")
    if line.earned and counts:
        return Text(f"{counts}, not ticked yet", style="green")
    if counts:
        return Text(counts, style="yellow" if any(state.began and not state.done for state in states) else "dim")
    return Text(f"{ticked} of {total} beneath" if total else "", style="dim")


def draw_plan(progress: Progress, fresh: Iterable[Item] = ()) -> None:
    """The plan as a tree, one row a line: its number, its box, its text, and the evidence behind the box."""
    plan, console, marks = progress.plan, out(), glyphs()
    new = {item.key for item in fresh}
    tasks = [item for item in plan.tasks if not item.empty]
    by_us = sum(line.by == "headway" for line in progress.lines)
    by_hand = sum(line.by == "hand" for line in progress.lines)
    name = progress.workspace.plan
    head = Text.assemble((name.name, "bold"), (f"  {name.parent}", "dim"))
    console.print(head, **fit())
    if tasks:
        console.print(f"{len(tasks)} lines, {by_us} ticked by Headway, {by_hand} by hand", style="dim")
    else:
        console.print("There are no boxes in it: put [ ] behind a bullet to get one.", style="dim", markup=False)
    console.print()

    rows: list[tuple[Text, Text]] = []
    only_headings = not plan.lines or plan.lines[0].kind == "heading"
    width = len(str(max((item.line for item in plan.items), default=1)))
    for item in plan.items:
        line = progress.line(item)
        if item.kind == "bullet" and tasks and not any(below.kind == "task" for below in plan.beneath(item)):
            continue
        if item.kind == "heading":
            if only_headings or any(below.kind != "heading" for below in plan.beneath(item)):
                rows.append(
                    (Text("\n" if rows else "").append(f"{'':{width}}  {shown(item.text)}", style="bold"), Text())
                )
            continue
        indent = "  " * sum(above.kind != "heading" for above in plan.above(item))
        row = Text(f"{item.line:>{width}}  ", style="dim").append(indent)
        if line.by:
            row.append(marks[line.by], style="bold green" if line.by == "headway" else "cyan")
        elif item.box is None:
            row.append(marks["none"], style="dim")
        elif item.mark != " ":
            row.append(item.mark, style="dim")
        else:
            row.append(marks["open"], style="dim")
        text = shown(f"{item.text} {item.more}") or "(empty)"
        row.append(f" {text}", style="bold green" if item.key in new else "dim" if item.empty else "")
        note = evidence_of(line, progress)
        if item.key in new:
            note = Text("now ticked: ", style="bold green").append_text(note)
        rows.append((row, note))
    draw_rows(rows)
    console.print()
    legend = Text("", style="dim")
    legend.append(f"{marks['headway']} ", style="bold green").append("checked by Headway   ")
    legend.append(f"{marks['hand']} ", style="cyan").append("ticked by hand   ").append(f"{marks['open']} open   ")
    legend.append("headway plan LINE shows what is behind one")
    console.print(legend)


def draw_rows(rows: list[tuple[Text, Text]]) -> None:
    """Rows of two columns. On a terminal the first is cut where it must be, and nothing wraps; in a pipe nothing is cut."""
    console = out()
    if not console.is_terminal:
        for left, right in rows:
            line = left.copy()
            if right:
                line.append("    ").append_text(right)
            console.print(line)
        return
    total = min(console.width, WIDEST)
    right_width = min(max((right.cell_len for _, right in rows), default=0), max(total * 2 // 5, 20))
    left_width = min(max((left.cell_len for left, _ in rows), default=0), total - right_width - 3)
    for left, right in rows:
        line = left.copy()
        room = left_width if right else total
        line.truncate(room, overflow="ellipsis")
        if right:
            note = right.copy()
            note.truncate(total - left_width - 3, overflow="ellipsis")
            line.append(" " * (left_width - line.cell_len + 3)).append_text(note)
        console.print(line, no_wrap=True, crop=False, overflow="ignore")


def draw_step(step: Step | None, workspace: Workspace, progress: Progress | None = None) -> None:
    """The next step, the command to type last."""
    console = out()
    if step is None:
        skipped, mine = open_lines(progress or Progress(workspace))
        console.print(Text("Nothing is left to do that Headway can check.", style="bold"))
        if skipped:
            told = f"{_lines(skipped)} about topics that you skipped: headway skip TOPIC --undo takes one up again"
            console.print(told, style="dim", markup=False)
        if mine:
            console.print(f"{_lines(mine)} yours to tick: headway tick LINE", style="dim")
        return
    where = f"line {step.item.line}: {shown(step.item.text)}" if step.item else "beyond the plan"
    head = Text("Next  ", style="bold").append(step.topic.topic.title, style="bold").append(f"   {where}", style="dim")
    console.print(head, **fit())
    under(Text("      "), Text(step.what))
    if step.file:
        console.print(Text(f"      in {typed(workspace, step.file)}"))
    if step.before:
        names = ", ".join(step.before[:4]) + (", ..." if len(step.before) > 4 else "")
        console.print(
            Text(f"      builds on {names}; headway test-out TOPIC or skip TOPIC if you know it", style="dim")
        )
    console.print()
    if activate := activation():
        console.print(Text(f"      {activate}", style="bold cyan"))
    if enter := way_in(workspace):
        console.print(Text(f"      {enter}", style="bold cyan"))
    console.print(Text(f"      {step.command}", style="bold cyan"))


def _lines(count: int) -> str:
    """``1 open line is``, ``3 open lines are``."""
    return "1 open line is" if count == 1 else f"{count} open lines are"


def missing(state: TopicState) -> str:
    """What a topic has none of yet: ``no lesson, exercise or claim yet``; an empty string where it has all three."""
    lacks = [
        word
        for word, there in (
            ("lesson", state.topic.lesson_file),
            ("exercise", state.exercises),
            ("claim", state.topic.claims),
        )
        if not there
    ]
    if not lacks:
        return ""
    return f"no {', '.join(lacks[:-1])} or {lacks[-1]} yet" if len(lacks) > 1 else f"no {lacks[0]} yet"


def draw_topic(state: TopicState, progress: Progress) -> None:
    """Everything about one topic: why, what it builds on, lesson, exercises, papers, claims, each with its evidence."""
    console, marks, topic = out(), glyphs(), state.topic
    told = (
        "tested out" if state.tested_out else "nothing in it yet that Headway checks: read, and tick the line yourself"
    )
    for what, (have, want) in state.counts.items() if not state.tested_out else ():
        told = f"{have} of {want} {what}"
    console.print(Text(topic.title, style="bold").append(f"  {told}", style="green" if state.done else "dim"))
    console.print(Text(topic.why))
    rows: list[tuple[str, Text]] = []
    if state.skipped and not state.done:
        told = f"{day(state.skipped.time)}; headway skip {topic.id} --undo takes it up again"
        rows.append(("skipped", Text(told, style="dim")))
    if topic.needs:
        needs = Text()
        for n, need in enumerate(topic.needs):
            other = progress.topics[need]
            needs.append(", " if n else "").append(count_of(other), style="green" if other.done else "")
        rows.append(("builds on", needs))
    if topic.lesson_file:
        read = f"opened {day(state.lesson.time)}" if state.lesson else f"headway read {topic.id}"
        rows.append(("lesson", Text(read, style="green" if state.lesson else "cyan")))
    for n, exercise in enumerate(state.exercises):
        line = Text()
        if exercise.passed:
            line.append(f"{marks['headway']} ", style="bold green").append(f"{exercise.exercise.id}")
            tries = f" after {exercise.tries} failed check{'s' * (exercise.tries != 1)}" if exercise.tries else ""
            told = f"  passed {day(exercise.passed.time)}{tries}, headway {exercise.passed.version}"
            line.append(told + (", its solution shown before" if exercise.shown else ""), style="dim")
        else:
            line.append(f"{marks['open']} ", style="dim").append(exercise.exercise.id)
            line.append(f"  {exercise.exercise.title}", style="dim")
            if exercise.tries:
                line.append(f", {exercise.tries} failed check{'s' * (exercise.tries != 1)}", style="dim")
        rows.append(("exercises" if not n else "", line))
    for what, (have, want) in state.counts.items():
        if what != "exercises":
            told = "notes on its papers" if what == "papers" else "different models used"
            rows.append(("counts", Text(f"{have} of {want} {told}", style="green" if have >= want else "")))
    if lacks := missing(state):
        rows.append(("not yet", Text(lacks, style="dim")))
    for n, name in enumerate(topic.models):
        rows.append(("models" if not n else "", Text(f"headway models {name}", style="cyan")))
    if pair := compared(state, progress):
        rows.append(("compare", Text(f"headway diff {' '.join(pair)}", style="cyan")))
    for n, name in enumerate(topic.claims):
        found = state.claims.get(name)
        told = f"{name}: {found.result}, {day(found.time)}" if found else f"headway reproduce {name}"
        rows.append(("claims" if not n else "", Text(told, style="green" if found else "cyan")))
    for n, key in enumerate(topic.papers):
        paper = progress.path.papers[key]
        line = Text(f"{key}  ", style="cyan").append(f"{paper.short}, {paper.title}", style="default")
        if key in state.papers:
            line = Text(f"{marks['headway']} ", style="bold green").append_text(line)
        if paper.link:
            line.append(f"  {paper.link.removeprefix('https://')}", style="dim")
        rows.append(("papers" if not n else "", line))
    if topic.papers:
        rows.append(("", Text(f"headway papers --topic {topic.id}", style="cyan")))
    for label, body in rows:
        line = Text(f"  {label:<11}", style="dim").append_text(body)
        console.print(line, **fit())


def told_line(item: Item) -> str:
    """``line 24, Retention paper``, for messages."""
    return f"line {item.line}, {shown(item.text) or '(empty)'}"

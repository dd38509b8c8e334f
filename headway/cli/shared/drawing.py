"""How the plan, a topic and the next step look on a terminal: shared by start, plan, tick, next, skip and test-out."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from headway.base.console import out, under
from headway.learn.plan import mend
from headway.learn.plug import command_for
from headway.learn.progress import Progress
from headway.learn.steps import Offer, activation, compared, parts_of, seen_at_work, still_there, typed, way_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.learn.exercise import Exercise
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


def there_in(state: TopicState, detail: int) -> str:
    """A topic with what is there in it: ``attention 1/3`` (detail 0), ``attention: 1/3 exercises, ...`` (1), all of it (2)."""
    if (state.tested_out and state.done) or (state.skipped and not state.done) or not detail:
        return count_of(state)
    parts = parts_of(state)
    if detail == 1:  # the lesson and the models go first: they are there to be looked at, and count nothing
        parts = [part for part in parts if "lesson" not in part and ("model" not in part or "/" in part)]
    return f"{state.topic.id}: {', '.join(parts)}" if parts else state.topic.id


def count_of(state: TopicState) -> str:
    """``attention 1/3``; the papers, where there is nothing else to count."""
    if state.tested_out and state.done:
        return f"{state.topic.id} tested out"
    if state.skipped and not state.done:
        return f"{state.topic.id} skipped"
    for what, (have, want) in state.counts.items():
        return f"{state.topic.id} {have}/{want}" + ("" if what == "exercises" else f" {what}")
    if state.topic.papers:
        total = len(state.topic.papers)
        return f"{state.topic.id} {len(state.papers)}/{total} paper{'s' * (total != 1)}"
    return state.topic.id


def evidence_of(line: Line, progress: Progress, detail: int = 0) -> Text:
    """What stands behind a line's box, or what is still to come; `detail` (0, 1 or 2) says in how many words."""
    states = [progress.topics[topic] for topic in line.match.topics]
    counts = ("; " if detail and len(states) > 1 else ", ").join(there_in(state, detail) for state in states)
    if line.match.papers and not any(state.exercises for state in states):
        written = sum(key in progress.noted for key in line.match.papers)
        total = len(line.match.papers)
        counts = f"{', '.join(line.match.papers)} {'noted' if written == total else f'{written}/{total} notes'}"
    elif (line.match.unseen and line.by is None) or (
        states and line.by is None and not any(state.checkable or state.skipped for state in states)
    ):
        counts = f"{counts}; yours to tick"
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
    total = min(console.width, WIDEST)
    room = max(total * 2 // 5, 20) if total < 90 else total // 2
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
        notes = [evidence_of(line, progress, detail) for detail in (2, 1, 0)]
        if item.key in new:
            notes = [Text("now ticked: ", style="bold green").append_text(note) for note in notes]
        fits = (note for note in notes if note.cell_len <= room or not console.is_terminal)
        rows.append((row, next(fits, notes[-1])))
    draw_rows(rows, room)
    console.print()
    legend = Text("", style="dim")
    legend.append(f"{marks['headway']} ", style="bold green").append("checked by Headway   ")
    legend.append(f"{marks['hand']} ", style="cyan").append("ticked by hand   ").append(f"{marks['open']} open   ")
    legend.append("headway plan LINE shows what is behind one\n")
    legend.append("headway plan --graph draws the topics, what needs what, and where you are")
    console.print(legend)


def draw_rows(rows: list[tuple[Text, Text]], room: int | None = None) -> None:
    """Rows of two columns. On a terminal the first is cut where it must be, and nothing wraps; in a pipe nothing is cut.

    `room` is how many columns the second may take; two in five if left out.
    """
    console = out()
    if not console.is_terminal:
        for left, right in rows:
            line = left.copy()
            if right:
                line.append("    ").append_text(right)
            console.print(line)
        return
    total = min(console.width, WIDEST)
    right_width = min(max((right.cell_len for _, right in rows), default=0), room or max(total * 2 // 5, 20))
    left_width = min(max((left.cell_len for left, _ in rows), default=0), total - right_width - 3)
    for left, right in rows:
        line = left.copy()
        line.truncate(left_width if right else total, overflow="ellipsis")
        if right:
            note = right.copy()
            note.truncate(total - left_width - 3, overflow="ellipsis")
            line.append(" " * (left_width - line.cell_len + 3)).append_text(note)
        console.print(line, no_wrap=True, crop=False, overflow="ignore")


def draw_offers(offers: Iterable[Offer], indent: str = "      ", heading: str = "") -> None:
    """Things that could be done, one a line: what it is, and what to type."""
    offers = list(offers)
    width = max((len(offer.what) for offer in offers), default=0)
    if offers and heading:
        out().print(Text(f"{indent}{heading}", style="dim"))
        indent += "  "
    for offer in offers:
        wide = len(indent) + width + 2 + len(offer.command) > out().width and out().is_terminal
        label = Text(f"{indent}{offer.what:<{0 if wide else width}}  ", style="dim")
        if wide:  # the command whole, on a line of its own: it is there to be copied
            out().print(label)
            label = Text(f"{indent}    ")
        out().print(label.append(offer.command, style="cyan"), soft_wrap=True)


def draw_step(step: Step | None, workspace: Workspace, progress: Progress | None = None) -> None:
    """The next step, the command to type last."""
    console, progress = out(), progress or Progress(workspace)
    if step is None:
        _draw_end(progress)
        return
    where = f"line {step.item.line}: {shown(step.item.text)}" if step.item else "beyond the plan"
    head = Text("Next  ", style="bold")
    if step.topic:
        head.append(step.topic.topic.title, style="bold").append("   ")
    console.print(head.append(where, style="dim" if step.topic else "bold"), **fit())
    under(Text("      "), Text(step.what))
    if step.file:
        console.print(Text(f"      in {typed(workspace, step.file)}"))
    if step.topic and (parts := parts_of(step.topic)):
        under(Text("      "), Text(f"there for it: {', '.join(parts)}", style="dim"))
    if step.before:
        names = ", ".join(step.before[:4]) + (", ..." if len(step.before) > 4 else "")
        console.print(
            Text(f"      builds on {names}; headway test-out TOPIC or skip TOPIC if you know it", style="dim")
        )
    draw_offers(step.besides, heading="besides" if len(step.besides) > 1 else "")
    console.print()
    if activate := activation():
        console.print(Text(f"      {activate}", style="bold cyan"))
    if enter := way_in(workspace):
        console.print(Text(f"      {enter}", style="bold cyan"))
    console.print(Text(f"      {step.command}", style="bold cyan"))


def _draw_end(progress: Progress) -> None:
    """What there still is where no line of the plan is open, and no topic of the path that Headway can check."""
    console = out()
    told = "Every line of your plan is ticked" if progress.plan.tasks else "Nothing is left in your plan"
    console.print(Text(f"{told}, and every topic with exercises is done or skipped.", style="bold"))
    skipped = [state for state in progress.topics.values() if state.skipped and not state.done]
    if skipped:
        names = ", ".join(state.topic.id for state in skipped)
        under(Text("      "), Text(f"skipped: {names}; headway skip TOPIC --undo takes one up again", style="dim"))
    claims = [
        (name, state) for state in progress.topics.values() for name in state.topic.claims if name not in state.claims
    ]
    offers = []
    if claims:
        more = f"1 claim of {claims[0][1].topic.id}" if len(claims) == 1 else f"{len(claims)} claims"
        offers.append(Offer(f"{more} to reproduce", f"headway reproduce {claims[0][0]}"))
    left = dict.fromkeys(
        key for state in progress.topics.values() for key in state.topic.papers if key not in progress.noted
    )
    if left:
        offers.append(Offer(f"{len(left)} paper{'s' * (len(left) != 1)} without a note", "headway papers"))
    draw_offers([*offers, Offer("what went wrong comes back", "headway review")])


def draw_passed(exercise: Exercise, progress: Progress, following: Exercise | None, keys: bool = False) -> None:
    """What an exercise that passed leads to: other ways to write it, a model that calls it, the rest of its topic, the next one.

    `keys` says that a key goes on to the next exercise (`headway watch`).
    """
    offers = [Offer("other ways to write it", f"headway solution {exercise.id}")]
    if (command := command_for(exercise.id)) is not None:
        offers.append(Offer("a real model calls this: run it on yours", command))
    draw_offers(offers, indent="  ")
    topic = progress.topics.get(exercise.topic)
    if topic is not None and topic.done:
        still = still_there(topic, progress)
        told = f"{topic.topic.title} is done: {topic.passed} of {len(topic.exercises)} exercises."
        out().print(
            Text(f"  {told}", style="bold green").append(" What it still has:" if still else "", style="default")
        )
        draw_offers(still, indent="    ")
    if keys:
        out().print(Text("  n goes to the next exercise", style="cyan"))
    elif following is not None:
        out().print(Text.assemble(("  next: ", "dim"), (f"headway check {following.id}", "bold cyan")))


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
        "tested out" if state.tested_out else "no exercise yet: read and run what is there, and tick the line yourself"
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
    for offer in seen_at_work(state, progress):
        if offer.command.startswith(("headway run", "headway look")):
            label = "run one" if offer.command.startswith("headway run") else "look"
            rows.append((label, Text(offer.command, style="cyan")))
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

"""``headway plan``: the plan with the evidence behind every tick, one line of it, or how its lines were matched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from headway.base.console import err, out, paged
from headway.base.errors import HeadwayError
from headway.cli.shared.drawing import draw_plan, draw_step, draw_topic, glyphs, shown, told_line
from headway.cli.shared.path_drawing import draw_graph, ending, summary, write_graph
from headway.desk import library, of_line, up_to_date
from headway.learn.match import correct
from headway.learn.path import the_path
from headway.learn.path_graph import path_graph
from headway.learn.progress import Progress
from headway.learn.steps import next_step
from headway.learn.workspace import find_workspace

app = cyclopts.App(name="plan", help="Show the plan with the evidence behind every tick.")


@app.default
def plan(
    *line: str,
    graph: Annotated[bool, Parameter(negative="")] = False,
    out_: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
) -> int:
    """Show the plan as a tree, each line with its topics and the evidence behind its box.

    What the evidence has earned since the last time is ticked in the file first; nothing else in it changes.

    Parameters
    ----------
    line
        Show one line in full instead: its number, words from it, or a topic.
    graph
        Draw the topics instead: what needs what, how far you are in each, and where you are.
    out_
        With --graph: write it to this file as a picture (.png, .svg) or as data (.json).
    """

    if out_ is not None and not graph:
        raise HeadwayError(f"-o writes the graph: headway plan --graph -o {out_}.")
    if graph and line:
        raise HeadwayError("--graph draws all topics: leave the line out, or leave --graph out to see that line.")
    file = ending(out_) if out_ is not None else None
    workspace = find_workspace()
    now = up_to_date(workspace)
    progress = now.progress
    if graph:
        step = next_step(progress)
        found = path_graph(progress, step)
        if file is not None:
            kept = write_graph(found, file)
            told = f"; what was there is kept as {kept.name}" if kept else ""
            err().print(f"{summary(found)}; drawn in {file}{told}", markup=False, soft_wrap=True)
            return 0
        with paged():
            draw_graph(found)
        out().print()
        draw_step(step, workspace, progress)
        return 0
    if not line:
        with paged():
            draw_plan(progress, now.ticked)
        out().print()
        draw_step(next_step(progress), workspace, progress)
        return 0

    if len(line) > 1 and all(word.isdecimal() for word in line):
        raise HeadwayError(f"one line at a time: `headway plan {line[0]}`.")
    asked = " ".join(line)
    if not asked.strip().isdecimal():
        try:
            state = progress.topics[progress.path.topic(asked).id]
        except HeadwayError:
            pass
        else:
            draw_topic(state, progress)
            return 0

    item = progress.plan.find(asked)
    found, marks = progress.line(item), glyphs()
    mark = marks[found.by] if found.by else marks["open"] if item.box is not None else marks["none"]
    out().print(
        Text(f"{mark} {shown(item.text) or '(empty)'}", style="bold").append(f"   line {item.line}", style="dim")
    )
    if item.ticked:
        when = f", {found.ticked_at[:10]}" if found.ticked_at else ""
        out().print(f"ticked by {'Headway' if found.by == 'headway' else 'hand'}{when}", style="dim", highlight=False)
    if not found.match.topics:
        ticked, total = found.beneath
        told = (
            f"{ticked} of {total} boxes beneath it are ticked." if total else "It is about no topic, and yours to tick."
        )
        out().print(f"{told} To say what it is about: headway plan match {item.line} TOPIC", style="dim")
    else:
        out().print(f"about {', '.join(found.match.topics)}: {found.match.why}", style="dim", markup=False)
        if found.match.unseen and not item.ticked:
            out().print(
                f"Headway does not see this done, so it is yours to tick: headway tick {item.line}", style="dim"
            )
    for paper, command in of_line(item, found.match, library(workspace)):
        out().print(Text("\n" + (paper.title if paper else "A paper that is not filed yet"), style="bold"))
        out().print(Text(f"      {command}", style="bold cyan"))
    for topic in found.match.topics:
        out().print()
        draw_topic(progress.topics[topic], progress)
    return 0


@app.command(name="match")
def match(
    line: str | None = None,
    /,
    *topics: str,
    none: Annotated[bool, Parameter(negative="")] = False,
    reset: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Show which topics every line is about and which rule said so, or correct it for one line.

    A correction is kept in .headway/matches.json by the text of the line, so it holds when the line moves.

    Parameters
    ----------
    line
        The line to correct: its number, or words from it.
    topics
        What it is about.
    none
        It is about nothing that Headway knows: the line is yours to tick.
    reset
        Forget the correction and ask the rules again.
    """

    if sum((bool(topics), none, reset)) > 1:
        raise HeadwayError("give topics, or --none, or --reset: one of them.")
    workspace = find_workspace()
    progress = Progress(workspace)
    if line is None:
        if none or reset:
            raise HeadwayError("say for which line: headway plan match LINE --none.")
        _table(progress)
        return 0
    item = progress.plan.find(line)
    if topics or none or reset:
        chosen = None if reset else [the_path().topic(name).id for name in topics]
        correct(workspace, item.key, chosen)
        progress = Progress(workspace)
    found = progress.line(progress.plan.find(str(item.line))).match
    about = (
        f"is about {', '.join(found.topics)} ({found.why})" if found.topics else "is about no topic, and yours to tick"
    )
    out().print(f"{told_line(item)} {about}.", markup=False)
    return 0


def _table(progress: Progress) -> None:
    """Every line: number, text, topics, and which rule."""

    terminal = out().is_terminal
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", width=min(out().width, 140) if terminal else None)
    table.add_column("line", justify="right", style="dim", no_wrap=True)
    # A line's text can be looked up in the plan; what Headway made of it stands here alone, and is never cut.
    table.add_column("text", no_wrap=True, overflow="ellipsis", ratio=4 if terminal else None)
    longest = max(map(len, (*progress.path.topics, "by what is")))
    table.add_column("topics", overflow="fold", width=longest if terminal else None)
    table.add_column("because of", overflow="fold", ratio=4 if terminal else None)
    only_headings = progress.plan.lines[0].kind == "heading"
    for item in progress.plan.items:
        found = progress.line(item).match
        if item.kind == "heading" and not found.topics and not only_headings:
            continue
        indent = "  " * sum(above.kind != "heading" for above in progress.plan.above(item))
        yours = "" if item.empty else "by what is beneath" if progress.line(item).beneath[1] else "yours"
        topics = Text(", ".join(found.topics), style="cyan") if found.topics else Text(yours, style="dim")
        text = Text(indent + (shown(item.text) or "(empty)"), style="bold" if item.kind == "heading" else "")
        why = Text(found.why, style="yellow" if found.source == "yours" else "dim")
        if not terminal:
            print(item.line, text.plain, topics.plain, why.plain, sep="\t")
        table.add_row(str(item.line), text, topics, why)
    if terminal:
        out().print(table)
    err().print("\nTo correct one: headway plan match LINE TOPIC ..., or --none", style="dim")

"""``headway start [PLAN.md]``: make a workspace from a plan, or add to one what is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter
from rich.text import Text

from headway.base.console import err, out, under
from headway.base.errors import HeadwayError
from headway.base.files import expanded
from headway.cli.shared.drawing import draw_plan, draw_step
from headway.desk import up_to_date
from headway.learn.exercise import exercises
from headway.learn.path import the_path
from headway.learn.start import start as begin
from headway.learn.steps import next_step
from headway.learn.workspace import DEFAULT_NAME, find_workspace

app = cyclopts.App(name="start", help="Make a workspace from your plan, or complete one.")


@app.default
def start(
    plan: Path | None = None,
    /,
    *,
    into: Path | None = None,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Make a workspace: your plan, the exercises to edit, and room for notes and runs.

    In a workspace that is there already, only what is missing is added; nothing in it is overwritten.

    Parameters
    ----------
    plan
        Your plan: any Markdown task list. It is copied to PLAN.md. Left out, a plan for learning Transformers is used.
    into
        The folder. Left out: the workspace you are in, else ./my-transformers.
    quiet
        Say only what was made, not the plan and the next step.
    """
    if into is None:
        try:
            root = find_workspace().root
        except HeadwayError:
            named = os.environ.get("HEADWAY_WORKSPACE")
            root = Path(named) if named else Path.cwd() / DEFAULT_NAME
    else:
        root = into
    if expanded(root).exists() and not expanded(root).is_dir():
        raise HeadwayError(f"{root} is a file: give --into a folder.")
    done = begin(root, plan)
    workspace = done.workspace
    progress = up_to_date(workspace).progress
    lines = [line for item in progress.plan.lines if not (line := progress.line(item)).item.empty]
    matched = [line for line in lines if line.match.topics]
    topics = {topic for line in matched for topic in line.match.topics}

    def row(label: str, text: str) -> None:
        under(Text(f"{label:<11}", style="dim"), Text(text))

    row("Workspace", f"{workspace.root}{'' if done.new else ', there already'}")
    told = {
        "copied": f"copied from {plan}",
        "bundled": "a plan for learning Transformers; `headway start YOUR.md` takes yours",
        "kept": "yours, as it was",
        "same": "yours, as it was",
        "other": "yours, as it was",
    }[done.plan]
    row("Plan", f"{workspace.plan.name}: {told}")
    about = f"{len(matched)} of them about {len(topics)} of the {len(the_path().topics)} topics"
    row("", f"{len(lines)} lines, {about}; `headway plan match` shows how")
    if not progress.plan.tasks:
        row("", "it has no boxes, so Headway has nothing to tick: put [ ] behind a bullet to get one")
    total = len(exercises())
    news = f"{len(done.stubs)} new" if done.stubs else "all there already"
    renewed = f", {len(done.renewed)} that you had not touched renewed" if done.renewed else ""
    row("Exercises", f"{total} in {workspace.exercises.name}/, {news}{renewed}")
    if done.plan == "other":
        told = f"{workspace.plan} stays, {plan} was not taken: headway start {plan} --into ANOTHER makes a second workspace."
        err().print(Text(told, style="yellow"))
    if quiet:
        return 0
    out().print()
    draw_plan(progress)
    out().print()
    draw_step(next_step(progress), workspace, progress)
    return 0

"""``headway solution NAME``: right answers that differ in structure."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter
from rich.syntax import Syntax
from rich.text import Text

from headway.base.console import out
from headway.base.errors import HeadwayError, did_you_mean
from headway.cli.shared.exercising import colours
from headway.learn.evidence import read, record
from headway.learn.exercise import find_exercise
from headway.learn.progress import GAVE_UP, PASSED
from headway.learn.workspace import find_workspace

app = cyclopts.App(name="solution", help="Show right answers to an exercise, after a pass or with --give-up.")


@app.default
def solution(
    name: str,
    /,
    *,
    give_up: Annotated[bool, Parameter(negative=())] = False,
    style: str | None = None,
) -> int:
    """Show right answers to an exercise that differ in structure.

    Parameters
    ----------
    name
        The exercise.
    give_up
        Show them before you have passed. That is recorded; you can still pass afterwards.
    style
        Show only this one.
    """
    exercise = find_exercise(name)
    workspace = find_workspace()
    styles = exercise.styles
    if style is not None and style not in styles:
        raise HeadwayError(
            f"{exercise.id} has no '{style}', only {', '.join(styles)}.{did_you_mean(style, list(styles))}"
        )
    results = {e.result for e in read(workspace) if e.kind == "exercise" and e.name == exercise.id}
    if PASSED not in results and GAVE_UP not in results:
        if not give_up:
            raise HeadwayError(
                f"{exercise.id} has not passed yet: `headway hint {exercise.id}` helps, and --give-up shows the answers "
                "all the same (which is recorded)."
            )
        record(workspace, kind="exercise", name=exercise.id, result=GAVE_UP)
    for each, source in styles.items():
        if style in (None, each):
            out().print(Text(f"# -- {each} ", style="bold cyan").append("-" * max(4, 70 - len(each)), style="dim"))
            if colours():
                out().print(Syntax(source, "python", theme="ansi_dark", background_color="default", word_wrap=True))
            else:
                out().print(Text(source))
    return 0

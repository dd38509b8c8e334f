"""``headway check [NAME]``: judge an exercise."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter
from rich.text import Text

from headway.base.console import err, out
from headway.base.errors import HeadwayError
from headway.cli.shared.drawing import draw_passed, told_line
from headway.cli.shared.exercising import draw_list, draw_verdict, keep, next_exercise, resolve, workspace_or_none
from headway.cli.shared.numbers import Whole
from headway.learn.exercise import exercises, find_exercise
from headway.learn.judge import Judge
from headway.learn.progress import Progress
from headway.learn.workspace import find_workspace

app = cyclopts.App(name="check", help="Judge an exercise; without a name, the next one that has not passed.")


@app.default
def check(
    name: str | None = None,
    /,
    *,
    seed: Whole | None = None,
    verbose: Annotated[bool, Parameter(name=["--verbose", "-v"], negative=())] = False,
    all_: Annotated[bool, Parameter(name="--all", negative=())] = False,
    list_: Annotated[bool, Parameter(name="--list", negative=())] = False,
    file: Path | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Judge an exercise. The inputs are new each time; the seed that is printed brings them back.

    Parameters
    ----------
    name
        The exercise (attention/sdpa, or sdpa), or a file written for one.
    seed
        Repeat the inputs of an earlier check.
    verbose
        Show the input, what was expected, what came, and what your file printed.
    all_
        Judge every exercise you have begun.
    list_
        List the exercises and where you stand.
    file
        Judge this file instead of the one in the workspace; nothing is recorded.
    json_
        Print the verdict as JSON.
    """
    workspace = workspace_or_none()
    if list_:
        return draw_list(workspace)
    if all_:
        if name is not None or file is not None:
            raise HeadwayError("--all judges every exercise: leave the name out.")
        return _all(seed, verbose, json_)
    if file is not None:
        if name is None:
            raise HeadwayError("say which exercise the file is for: headway check NAME --file FILE.")

        exercise, path = find_exercise(name), file
        if not file.is_file():
            raise HeadwayError(f"there is no file {file}.")
    else:
        exercise, path = resolve(name, workspace)
    with Judge() as judge:
        verdict = judge.check(exercise, path, seed)
    ticked = keep(workspace, path, verdict) if file is None else []
    if json_:
        _json([verdict])
        return 0 if verdict.passed else 1
    draw_verdict(exercise, verdict, verbose)
    if verdict.passed and workspace is not None and file is None:
        _after_pass(workspace, exercise, ticked)
    return 0 if verdict.passed else 1


def _after_pass(workspace, exercise, ticked) -> None:
    """What the pass has earned, and what to type next."""
    for item in ticked:
        out().print(Text(f"  Headway ticked {told_line(item)}", style="green"))
    progress = Progress(workspace)
    following = None
    try:
        following = next_exercise(progress)
    except HeadwayError as error:  # the plan is gone or cannot be read: the exercise has passed all the same
        err().print(str(error), style="yellow", markup=False, soft_wrap=True)
    draw_passed(exercise, progress, following)


def _all(seed: int | None, verbose: bool, json_: bool) -> int:
    """Judge every exercise whose file is there and is no longer the stub."""
    workspace = find_workspace()
    begun = []
    for exercise in exercises().values():
        file = workspace.exercise_file(exercise.id)
        if file.is_file() and file.read_bytes() != exercise.task.read_bytes():
            begun.append((exercise, file))
    verdicts, ticked = [], []
    with Judge() as judge:
        for exercise, file in begun:
            verdict = judge.check(exercise, file, seed)
            ticked += keep(workspace, file, verdict)
            verdicts.append(verdict)
            if not json_:
                draw_verdict(exercise, verdict, verbose, short=not verbose)
    if json_:
        _json(verdicts)
    else:
        for item in ticked:
            out().print(Text(f"Headway ticked {told_line(item)}", style="green"))
        passed = sum(verdict.passed for verdict in verdicts)
        left = len(exercises()) - len(begun)
        out().print(f"{passed} of {len(begun)} right; {left} not begun.", style="bold")
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def _json(verdicts) -> None:
    rows = [verdict.facts() for verdict in verdicts]
    json.dump(rows[0] if len(rows) == 1 else rows, sys.stdout, indent=2)
    print()

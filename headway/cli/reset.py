"""``headway reset NAME``: the stub of an exercise back, your version kept beside it."""

from __future__ import annotations

import cyclopts

from headway.base.console import out
from headway.base.errors import HeadwayError
from headway.base.files import back_up, write_bytes
from headway.learn.exercise import find_exercise
from headway.learn.steps import typed
from headway.learn.workspace import find_workspace

app = cyclopts.App(name="reset", help="Put an exercise's stub back; your version is kept beside it.")


@app.default
def reset(name: str, /) -> int:
    """Begin an exercise anew. What you wrote is copied to a file beside it first.

    Parameters
    ----------
    name
        The exercise.
    """
    workspace = find_workspace()
    exercise = find_exercise(name)
    file, stub = workspace.exercise_file(exercise.id), exercise.task.read_bytes()
    if file.is_dir():
        raise HeadwayError(f"{file} is a folder: move it away, and reset again.")
    if file.is_file() and file.read_bytes() == stub:
        out().print(f"{typed(workspace, file)} is the stub already.", markup=False)
        return 0
    kept = back_up(file)
    write_bytes(file, stub)
    out().print(f"{typed(workspace, file)} is the stub again.", markup=False)
    if kept is not None:
        out().print(f"What you wrote is kept as {typed(workspace, kept)}.", markup=False)
    return 0

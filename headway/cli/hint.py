"""``headway hint [NAME]``: the next hint for an exercise."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from headway.base.errors import HeadwayError
from headway.cli.shared.exercising import draw_hint, hints_seen, next_hint, resolve
from headway.learn.workspace import find_workspace

app = cyclopts.App(name="hint", help="Show the next hint for an exercise.")


@app.default
def hint(name: str | None = None, /, *, again: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Show the next hint; each time one more, from a nudge to nearly the answer. How many you saw is recorded.

    Parameters
    ----------
    name
        The exercise; the next one that has not passed if left out.
    again
        Show the hints you have seen already, and no further one.
    """
    workspace = find_workspace()
    exercise, _ = resolve(name, workspace)
    if again:
        seen = hints_seen(workspace, exercise)
        if not seen:
            raise HeadwayError(f"you have seen no hint for {exercise.id} yet: `headway hint {exercise.id}` shows one.")
        for number in range(1, seen + 1):
            draw_hint(exercise, number, exercise.hints[number - 1])
        return 0
    draw_hint(exercise, *next_hint(workspace, exercise))
    return 0

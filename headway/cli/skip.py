"""``headway skip TOPIC``: leave a topic out."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from headway.base.console import out
from headway.cli.shared.drawing import draw_step
from headway.learn.evidence import record
from headway.learn.path import the_path
from headway.learn.progress import SKIPPED, UNSKIPPED, Progress
from headway.learn.steps import next_step
from headway.learn.workspace import find_workspace

app = cyclopts.App(name="skip", help="Leave a topic out of the next steps, or take it up again.")


@app.default
def skip(topic: str, /, *more: str, undo: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Leave topics out: `headway next` passes over them, and nothing that builds on them asks for them.

    A skipped topic is not a done one: Headway ticks no line for it. To show that you know it, `headway test-out TOPIC`.

    Parameters
    ----------
    topic
        The short name of a topic, such as attention, as `headway plan` shows it.
    more
        Further topics.
    undo
        Take them up again.
    """

    found = [the_path().topic(name) for name in (topic, *more)]
    workspace = find_workspace()
    before = Progress(workspace).topics
    for each in found:
        state = before[each.id]
        if undo == (state.skipped is not None):
            record(workspace, kind="skip", name=each.id, result=UNSKIPPED if undo else SKIPPED)
            told = "is taken up again" if undo else "is skipped; --undo takes it up again"
        else:
            told = "was not skipped" if undo else "was skipped already"
        out().print(f"{each.title} {told}.", markup=False)
    out().print()
    draw_step(next_step(Progress(workspace)), workspace)
    return 0

"""``headway tick LINE``: tick a line of the plan by hand."""

from __future__ import annotations

import cyclopts

from headway.base.console import err, out
from headway.base.errors import HeadwayError
from headway.cli.shared.drawing import told_line
from headway.desk import up_to_date
from headway.learn.progress import plan_of, tick
from headway.learn.workspace import find_workspace

app = cyclopts.App(name="tick", help="Tick a line of the plan by hand.")


@app.default
def tick_(line: str, /, *more: str) -> int:
    """Tick lines of the plan by hand. Only the character in the box changes.

    Parameters
    ----------
    line
        Its number, as `headway plan` shows it, or words that no other line has.
    more
        Further lines.
    """
    return by_hand([line, *more], on=True)


def by_hand(asked: list[str], on: bool) -> int:
    """Tick or untick the lines asked for, and say what became of each."""

    workspace = find_workspace()
    plan = plan_of(workspace)
    items = [plan.find(word) for word in asked]
    for item in items:
        if item.box is None:
            raise HeadwayError(f"{told_line(item)}, has no box: write [ ] behind its bullet in {workspace.plan.name}.")
    changed, already, gone = tick(workspace, items, on)
    word = "ticked" if on else "unticked"
    for item in changed:
        out().print(f"{word} {told_line(item)}", markup=False)
    for item in already:
        out().print(f"{told_line(item)}, was {word} already", markup=False)
    for item in up_to_date(workspace).ticked if on else []:
        out().print(f"Headway ticked {told_line(item)}", markup=False)
    for item in gone:
        err().print(f"{told_line(item)}, is no longer in the plan: it was edited meanwhile.", markup=False)
    return 1 if gone else 0

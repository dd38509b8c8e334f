"""``headway next``: the one next step, and the command to type."""

from __future__ import annotations

import cyclopts

from headway.base.console import out
from headway.cli.shared.drawing import count_of, draw_offers, draw_step, draw_topic, told_line
from headway.desk import up_to_date
from headway.learn.steps import next_step, reading_step, step_in, still_there
from headway.learn.workspace import find_workspace

app = cyclopts.App(name="next", help="Show the one next step, and the command to type.")


@app.default
def next_(topic: str | None = None, /) -> int:
    """Show the one next step and the exact command to type.

    Parameters
    ----------
    topic
        Start anywhere: the next step within this topic, and what it builds on.
    """
    workspace = find_workspace()
    now = up_to_date(workspace)
    progress = now.progress
    for item in now.ticked:
        out().print(f"Headway ticked {told_line(item)}", markup=False, style="green")
    if topic is None:
        draw_step(next_step(progress), workspace, progress)
        return 0
    state = progress.topics[progress.path.topic(topic).id]
    if state.done:
        still = still_there(state, progress)
        told = f"{state.topic.title} is done: {count_of(state)}."
        out().print(told + (" What it still has:" if still else ""), markup=False)
        draw_offers(still, indent="  ")
        return 0
    item = next(
        (line.item for line in progress.lines if state.topic.id in line.match.topics and not line.item.ticked), None
    )
    step = step_in(progress, state, item) or reading_step(progress, [state], item)
    if step is None:
        draw_topic(state, progress)
        still = still_there(state, progress)
        told = "It has nothing that Headway can check" + (
            "; what is left in it:" if still else ", and nothing is left in it."
        )
        out().print(f"\n{told}")
        draw_offers(still, indent="  ")
        return 0 if still else 1
    draw_step(step, workspace, progress)
    return 0

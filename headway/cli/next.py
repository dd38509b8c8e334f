"""``headway next``: the one next step, and the command to type."""

from __future__ import annotations

import cyclopts

app = cyclopts.App(name="next", help="Show the one next step, and the command to type.")


@app.default
def next_(topic: str | None = None, /) -> int:
    """Show the one next step and the exact command to type.

    Parameters
    ----------
    topic
        Start anywhere: the next step within this topic, and what it builds on.
    """
    from headway.base.console import out
    from headway.cli._papers import take_notes
    from headway.cli._plan import count_of, draw_step, draw_topic, told_line
    from headway.learn.progress import Progress, sync
    from headway.learn.steps import next_step, step_in
    from headway.learn.workspace import find_workspace

    workspace = find_workspace()
    take_notes(workspace)
    for item in sync(workspace):
        out().print(f"Headway ticked {told_line(item)}", markup=False, style="green")
    progress = Progress(workspace)
    if topic is None:
        draw_step(next_step(progress), workspace)
        return 0
    state = progress.topics[progress.path.topic(topic).id]
    if state.done:
        out().print(f"{state.topic.title} is done: {count_of(state)}.", markup=False)
        return 0
    item = next((line.item for line in progress.lines if state.topic.id in line.match.topics), None)
    step = step_in(progress, state, item)
    if step is None:
        draw_topic(state, progress)
        out().print("\nThere is nothing to do in it yet that Headway can check.", style="dim")
        return 1
    draw_step(step, workspace)
    return 0

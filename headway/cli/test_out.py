"""``headway test-out TOPIC``: show that you know a topic by its hardest exercises."""

from __future__ import annotations

import cyclopts
from rich.text import Text

from headway.base.console import err, out, under
from headway.base.errors import HeadwayError
from headway.cli.shared.drawing import count_of, draw_offers, draw_step, glyphs, told_line
from headway.desk import up_to_date
from headway.learn.evidence import record
from headway.learn.judge import Judge
from headway.learn.path import the_path
from headway.learn.progress import TESTED_OUT, Progress, remember
from headway.learn.start import copy_stubs, untouched
from headway.learn.steps import hardest, next_step, still_there, typed
from headway.learn.workspace import find_workspace

app = cyclopts.App(name="test-out", help="Show that you know a topic by its hardest exercises.")


@app.default
def test_out(topic: str, /) -> int:
    """Test out of a topic: its hardest exercises, right and without a hint or a solution shown before, count for all of it.

    Type it once to see which exercises these are, solve them, and type it again.

    Parameters
    ----------
    topic
        The short name of a topic, such as attention, as `headway plan` shows it.
    """

    asked = the_path().topic(topic)
    workspace = find_workspace()
    progress = Progress(workspace)
    state = progress.topics[asked.id]
    if state.done:
        out().print(f"{asked.title} is done: {count_of(state)}.", markup=False)
        return 0
    chosen = hardest(state)
    if not chosen:
        raise HeadwayError(
            f"{asked.title} has no exercises yet to test out by; `headway skip {asked.id}` leaves it out."
        )
    known = {each.exercise.id: each for each in state.exercises}
    seen = [exercise.id for exercise in chosen if known[exercise.id].aided]
    if seen:
        what = "solution" if any(known[id].shown for id in seen) else "hint"
        told = f"the {what}s of {', '.join(seen)} were" if len(seen) > 1 else f"the solution of {seen[0]} was"
        told = f"a hint for {seen[0]} was" if len(seen) == 1 and what == "hint" else told
        raise HeadwayError(
            f"{told} shown to you, so it proves nothing: pass all {len(known)} exercises of {asked.id} instead."
        )
    copy_stubs(workspace)
    open_ = [exercise for exercise in chosen if not known[exercise.id].done and untouched(workspace, exercise)]
    if open_:
        out().print(
            Text(f"To test out of {asked.title}, solve without a hint and without looking at a solution:", style="bold")
        )
        for exercise in chosen:
            file = typed(workspace, workspace.exercise_file(exercise.id))
            done = exercise not in open_
            row = Text(f"  {glyphs()['headway' if done else 'open']} ", style="green" if done else "dim")
            under(row, Text(file, style="cyan").append(f"  {exercise.title}", style="dim"))
        out().print(Text.assemble("then  ", (f"headway test-out {asked.id}", "bold cyan")))
        return 1
    passed = True
    with Judge() as judge:
        for exercise in chosen:
            if known[exercise.id].done:
                out().print(Text(f"{glyphs()['headway']} {exercise.id}  passed before", style="green"))
                continue
            verdict = judge.check(exercise, workspace.exercise_file(exercise.id))
            remember(workspace, verdict)
            passed = passed and verdict.passed
            if verdict.passed:
                out().print(Text(f"{glyphs()['headway']} {exercise.id}", style="bold green"))
            else:
                out().print(
                    Text(f"{glyphs()['open']} {exercise.id}  ", style="bold").append(verdict.line, style="not bold")
                )
    if not passed:
        err().print(Text(f"Not yet. Mend it and type `headway test-out {asked.id}` again.", style="dim"))
        return 1
    record(workspace, kind="skip", name=asked.id, result=TESTED_OUT, exercises=[exercise.id for exercise in chosen])
    out().print(Text(f"You have tested out of {asked.title}.", style="bold green"))
    now = up_to_date(workspace)
    for item in now.ticked:
        out().print(Text(f"Headway ticked {told_line(item)}", style="green"))
    draw_offers(still_there(now.progress.topics[asked.id], now.progress), indent="  ", heading="what it still has")
    out().print()
    draw_step(next_step(now.progress), workspace, now.progress)
    return 0

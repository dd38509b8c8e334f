"""``headway test-out TOPIC``: show that you know a topic by its hardest exercises."""

from __future__ import annotations

import cyclopts

app = cyclopts.App(name="test-out", help="Show that you know a topic by its hardest exercises.")


@app.default
def test_out(topic: str, /) -> int:
    """Test out of a topic: its hardest exercises, right and without their solutions shown, count for all of it.

    Type it once to see which exercises these are, solve them, and type it again.

    Parameters
    ----------
    topic
        Its name.
    """
    from rich.text import Text

    from headway.base.console import err, out
    from headway.base.errors import HeadwayError
    from headway.cli._plan import count_of, draw_step, glyphs, told_line
    from headway.learn.evidence import record
    from headway.learn.judge import Judge
    from headway.learn.path import the_path
    from headway.learn.progress import TESTED_OUT, Progress, remember, sync
    from headway.learn.start import copy_stubs, untouched
    from headway.learn.steps import hardest, next_step, typed
    from headway.learn.workspace import find_workspace

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
    seen = [exercise.id for exercise in chosen if known[exercise.id].shown]
    if seen:
        told = f"the solution of {', '.join(seen)} was shown to you, so it proves nothing"
        raise HeadwayError(f"{told}: pass all {len(known)} exercises of {asked.id} instead.")
    copy_stubs(workspace)
    open_ = [exercise for exercise in chosen if not known[exercise.id].done and untouched(workspace, exercise)]
    if open_:
        out().print(Text(f"To test out of {asked.title}, solve without hints:", style="bold"))
        for exercise in chosen:
            file = typed(workspace, workspace.exercise_file(exercise.id))
            done = exercise not in open_
            row = Text(f"  {glyphs()['headway' if done else 'open']} ", style="green" if done else "dim")
            out().print(row.append(file, style="cyan").append(f"  {exercise.title}", style="dim"))
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
    for item in sync(workspace):
        out().print(Text(f"Headway ticked {told_line(item)}", style="green"))
    out().print()
    draw_step(next_step(Progress(workspace)), workspace)
    return 0

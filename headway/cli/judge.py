"""``headway judge audit``: the judge judged."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter
from rich.text import Text

from headway.base.console import err, out, under
from headway.cli.shared.numbers import Whole
from headway.learn.exercise import exercises, find_exercise
from headway.learn.judge import Judge
from headway.learn.judge.audit import Audit
from headway.learn.judge.audit import audit as run

app = cyclopts.App(name="judge", help="Prove the judge: every solution accepted, every mistake rejected and named.")


@app.command
def audit(
    *names: str,
    seed: Whole | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Judge every stub, solution and mistake of the exercises, and print a table. Exit code 1 if there is any gap.

    Parameters
    ----------
    names
        Exercises, or topics; all of them if left out.
    seed
        The seed of all inputs; a fresh one each if left out.
    json_
        Print everything as JSON.
    """
    every = exercises()
    chosen = {}
    for name in names:
        of_topic = {e.id: e for e in every.values() if e.topic == name}
        chosen.update(of_topic or {(e := find_exercise(name)).id: e})
    chosen = chosen if names else every
    rows = []
    with Judge() as judge:
        for exercise in chosen.values():
            if err().is_terminal:
                err().print(Text(f"{exercise.id} ...", style="dim"), end="\r")
            rows.append(run(exercise, judge, seed))
    gaps = [gap for row in rows for gap in row.gaps]
    if json_:
        json.dump({"exercises": [row.as_dict() for row in rows], "gaps": gaps}, sys.stdout, indent=2)
        print()
        return 1 if gaps else 0
    headings = ("solutions", "refused", "mistakes", "rejected", "named", "hints", "seconds")
    shown = [*rows, _total(rows)] if len(rows) > 1 else rows
    width = max((len(row.exercise) for row in shown), default=8)
    narrow = out().is_terminal and out().width < width + 11 * len(headings)
    if not narrow:
        out().print(Text(f"{'exercise':<{width}}" + "".join(f"{heading:>11}" for heading in headings), style="bold"))
    for row in shown:
        counts = (row.solutions, row.refused, row.mistakes, row.rejected, row.named, row.hints, f"{row.seconds:.1f}")
        style = "red" if row.gaps else "bold" if row.exercise == "all" else ""
        if narrow:
            told = ", ".join(f"{count} {heading}" for count, heading in zip(counts, headings, strict=True))
            out().print(Text(row.exercise, style=style))
            under(Text("  "), Text(told, style=style))
        else:
            out().print(Text(f"{row.exercise:<{width}}" + "".join(f"{count:>11}" for count in counts), style=style))
    for gap in gaps:
        out().print(Text(gap, style="red"))
    proved = sum(not row.gaps for row in rows)
    more = f" ({len(every)} exercises in all)" if names else ""
    out().print(Text(f"{proved} of {len(rows)} exercise{'s' * (len(rows) != 1)} proved{more}", style="bold"))
    return 1 if gaps else 0


def _total(rows):

    fields = ("solutions", "refused", "mistakes", "rejected", "named", "hints", "seconds")
    sums: dict[str, Any] = {name: sum(getattr(row, name) for row in rows) for name in fields}
    return Audit("all", **sums)

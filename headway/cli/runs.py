"""``headway runs``: the training runs there are; ``headway runs plot A B`` compares their curves."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter
from rich.table import Table

from headway.base.console import out as answers
from headway.base.errors import HeadwayError
from headway.train.config import TrainConfig
from headway.train.folder import find_run, list_runs, runs_home
from headway.train.pictures import draw_runs
from headway.train.report import short

if TYPE_CHECKING:
    from headway.train.folder import RunFolder

app = App(name="runs", help="List training runs, show one, or plot their curves together.")

Into = Annotated[Path | None, Parameter(help="The folder the runs lie in, instead of the workspace's runs/.")]


@app.default
def runs(
    name: Annotated[str | None, Parameter(help="A run: shows it, as headway runs show does.")] = None,
    /,
    *,
    into: Into = None,
) -> int:
    """List the runs: model, steps, held-out loss, and whether they finished; or show one."""
    if name is not None:
        return show(name, into=into)

    home = into or runs_home()
    found = list_runs(home)
    if not found:
        answers().print(f"no runs in {home} yet: `headway train char-gpt` makes one.", markup=False)
        return 0
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("run", "model", "weights", "steps", "loss", "held out", "state"):
        table.add_column(
            heading, no_wrap=True, justify="right" if heading in ("weights", "loss", "held out") else "left"
        )
    for run in found:
        table.add_row(*_row(run))
    answers().print(table)
    return 0


@app.command
def show(name: str, /, *, into: Into = None) -> int:
    """Show one run: its settings that are not the default, its curve in numbers, its last sample.

    Parameters
    ----------
    name
        A run, as `headway runs` lists them: its name, the beginning or the end of it, or last.
    """
    run = find_run(name, into or runs_home())
    facts, config = run.facts(), run.config()
    console = answers()
    console.print(f"[bold cyan]{run.name}[/]  {' '.join(_row(run)[1:])}")
    console.print(
        f"made with  headway {facts.get('headway')}, torch {facts.get('torch')}: {facts.get('command', '')}",
        markup=False,
    )
    default = TrainConfig().to_dict()
    for key, value in config.to_dict().items():
        if isinstance(value, dict):
            for inner, one in value.items():
                if default[key].get(inner) != one:
                    console.print(f"  {key}.{inner} = {one}", markup=False, highlight=False)
        elif default.get(key, dataclasses.MISSING) != value:
            console.print(f"  {key} = {value}", markup=False, highlight=False)
    for row in [row for row in run.metrics() if "held_out" in row][-5:]:
        console.print(f"step {row['step']}: loss {row['loss']:.4f}, held out {row['held_out']:.4f}", markup=False)
    if samples := run.samples():
        last = max(samples)
        console.print(f"\nafter step {last} it wrote:\n{samples[last]}", markup=False)
    return 0


@app.command
def plot(
    *names: str,
    over: Annotated[Literal["step", "tokens", "seconds"], Parameter(help="What lies along the bottom.")] = "step",
    out: Annotated[Path | None, Parameter(help="The picture to write; runs/plot.png if left out.")] = None,
    into: Into = None,
) -> int:
    """Draw the curves of the runs NAMES into one picture, and print where each stands.

    Parameters
    ----------
    names
        Runs, as `headway runs` lists them.
    """
    home = into or runs_home()
    if not names:
        raise HeadwayError("name the runs to plot: headway runs plot A B. `headway runs` lists them.")
    found = [find_run(name, home) for name in names]
    for run in found:
        if not run.metrics():
            raise HeadwayError(f"{run.name} has no metrics yet: nothing to plot.")
    path = out or home / "plot.png"

    draw_runs([(run.name, run.metrics()) for run in found], path, over=over)
    for run in found:
        best = min((row["held_out"] for row in run.metrics() if isinstance(row.get("held_out"), float)), default=None)
        answers().print(f"{run.name}  best held-out loss {'-' if best is None else f'{best:.4f}'}", markup=False)
    answers().print(f"picture {path}", markup=False, soft_wrap=True)
    return 0


def _row(run: RunFolder) -> list[str]:
    try:
        facts, config = run.facts(), run.config()
    except HeadwayError:
        return [run.name, "?", "?", "?", "?", "?", "config.json cannot be read"]
    rows: list[dict[str, Any]] = run.metrics()
    last = rows[-1] if rows else {}
    best = min((row["held_out"] for row in rows if isinstance(row.get("held_out"), float)), default=None)
    loss = last.get("loss")
    return [
        run.name,
        config.model.name,
        short(facts.get("parameters", 0)).strip(),
        f"{run.step}/{config.steps}",
        f"{loss:.4f}" if isinstance(loss, float) else "-",
        "-" if best is None else f"{best:.4f}",
        "finished" if "finished" in facts and run.step == config.steps else "can go on",
    ]

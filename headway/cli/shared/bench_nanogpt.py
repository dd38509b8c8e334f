"""What ``headway bench nanogpt`` prints and keeps: the comparison on one clock, and the ablation."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from rich.table import Table

from headway.base.console import out
from headway.cli.shared.measuring import progress, ready, write
from headway.cli.shared.writing import note
from headway.train.config import read_config


def compare(preset: str, *, steps: int | None, seeds: int | None, threads: int | None, json: Path | None) -> int:
    """Both presets against `transformers`, seed after seed. 1 where ours is behind in speed, or the fast preset in loss."""
    read_config(preset)  # says what is wrong with it before torch is loaded

    from headway.evals import nanogpt
    from headway.evals.speed import busy

    warning = ready(threads)
    found = []
    for seed in range(seeds or 1):
        with progress(f"nanogpt, seed {seed}", 100) as tell:
            # The bar counts rounds and shows one more than it is told.
            found.append(
                nanogpt.compare(steps=steps, seed=seed, fast=preset, tell=lambda share, t=tell: t(100 * share - 1))
            )
        _keep(json, {"bench": "nanogpt", "preset": preset, "results": found})
    for result in found:
        _curve(result)
    summary = nanogpt.summary(found)
    gains = ", ".join(f"{gain:.3f}" for gain in summary.gains)
    out().print(
        f"headway trains the same model {summary.speed:.2f}x as fast as transformers; {preset} is lower by {gains} after the "
        "same seconds.",
        soft_wrap=True,
    )
    for line in (warning, busy()):
        if line:
            note(line)
            break
    return 0 if summary.ahead else 1


def ablate(preset: str, *, steps: int | None, seeds: int | None, threads: int | None, json: Path | None) -> int:
    """One choice undone at a time. Every finished run is kept at once in `json`, from which it goes on."""
    read_config(preset)

    from headway.evals import nanogpt

    steps, seeds = steps or 600, seeds or 3
    about = nanogpt.description(preset, steps)
    table = nanogpt.begun(json, about)
    ready(threads)
    with progress("nanogpt, one choice undone", seeds * len(nanogpt.CHOICES)) as tell:
        for n, found in enumerate(nanogpt.ablate(steps=steps, seeds=range(seeds), fast=preset, known=table)):
            table = found
            undone = {name: list(undo) for name, undo in nanogpt.CHOICES.items()}
            _keep(json, {**about, "seeds": list(range(seeds)), "undone": undone, "held_out": table})
            tell(n)
    shown = Table(box=None, padding=(0, 2, 0, 0), title=f"{preset}, {steps} steps: held-out loss", title_justify="left")
    for heading in ("undone", "loss", "worse by", "range"):
        shown.add_column(heading, justify="left" if heading == "undone" else "right")
    for name, worse in nanogpt.costs(table).items():
        apart = (f"{statistics.mean(worse):+.3f}", f"{min(worse):+.3f} to {max(worse):+.3f}")
        shown.add_row(name, f"{statistics.mean(table[name]):.3f}", *(("", "") if name == nanogpt.WHOLE else apart))
    out().print(shown)
    return 0


def _curve(result: dict[str, Any]) -> None:
    names = ("transformers", "headway", "fast")
    table = Table(box=None, padding=(0, 2, 0, 0), title=f"held-out loss, seed {result['seed']}", title_justify="left")
    for heading in ("seconds", *names):
        table.add_column(heading, justify="right")
    for row in result["curve"]:
        table.add_row(f"{row['transformers']['seconds']:.0f}", *(f"{row[name]['held_out']:.3f}" for name in names))
    last = result["curve"][-1]
    table.add_row("steps", *(f"{last[name]['steps']:,}" for name in names))
    table.add_row("tokens/s", *(f"{result['tokens_per_second'][name]:,.0f}" for name in names))
    out().print(table)
    if last["headway"]["seconds"] < last["transformers"]["seconds"]:
        done = last["headway"]["seconds"]
        out().print(f"headway was through with its {last['headway']['steps']:,} steps after {done:.0f} seconds.\n")


def _keep(path: Path | None, content: dict[str, Any]) -> None:
    from headway.evals.speed import machine

    if path is not None:
        write(path, {"machine": machine(), **content})

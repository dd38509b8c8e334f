"""What ``headway bench nanogpt`` prints and keeps: the comparison on one clock, and the ablation."""

from __future__ import annotations

import json as text
import statistics
from pathlib import Path
from typing import Any

from rich.table import Table

from headway.base.console import out
from headway.base.errors import Corrupt, HeadwayError
from headway.cli.shared.measuring import progress, write
from headway.cli.shared.writing import note


def compare(preset: str, *, steps: int | None, seeds: int | None, threads: int | None, json: Path | None) -> int:
    """Both presets against `transformers`, seed after seed. 1 where ours is behind in speed, or the fast preset in loss."""
    from headway.evals import nanogpt
    from headway.evals.speed import busy

    warning = _ready(threads)
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
    last = [result["curve"][-1] for result in found]
    gains = [row["transformers"]["held_out"] - row["fast"]["held_out"] for row in last]
    speed = statistics.median(result["speed_ratio"] for result in found)
    _facts(f"headway trains the same model {speed:.2f}x as fast as transformers; {preset} is lower by", gains)
    for line in (warning, busy()):
        if line:
            note(line)
            break
    return 0 if min(gains) > 0 and speed > 1 else 1


def ablate(preset: str, *, steps: int | None, seeds: int | None, threads: int | None, json: Path | None) -> int:
    """One choice undone at a time. Every finished run is kept at once in `json`, from which it goes on."""

    from headway.evals import nanogpt

    steps, seeds = steps or 600, seeds or 3
    known: dict[str, Any] = {}
    about = {"bench": "nanogpt ablation", "preset": preset, "steps": steps, "config": nanogpt.plain(preset)}
    if json is not None and json.is_file():
        try:
            known = text.loads(json.read_text(encoding="utf-8"))
        except ValueError as error:
            raise Corrupt(f"{json} is no JSON ({error}): delete it, or name another file") from None
        if any(known.get(key) != value for key, value in about.items()):
            raise HeadwayError(f"{json} holds something else (another preset, or --steps): name another file")
    _ready(threads)
    table: dict[str, list[float]] = known.get("held_out", {})

    with progress("nanogpt, one choice undone", seeds * len(nanogpt.CHOICES)) as tell:
        for n, found in enumerate(nanogpt.ablate(steps=steps, seeds=range(seeds), fast=preset, known=table)):
            table = found
            undone = {name: list(undo) for name, undo in nanogpt.CHOICES.items()}
            _keep(json, {**about, "seeds": list(range(seeds)), "undone": undone, "held_out": table})
            tell(n)
    shown = Table(box=None, padding=(0, 2, 0, 0), title=f"{preset}, {steps} steps: held-out loss", title_justify="left")
    for heading in ("undone", "loss", "worse by", "range"):
        shown.add_column(heading, justify="left" if heading == "undone" else "right")
    whole = table["all choices"]
    for name, losses in table.items():
        worse = [loss - best for loss, best in zip(losses, whole, strict=False)]
        row = (
            ("", "")
            if losses is whole
            else (f"{statistics.mean(worse):+.3f}", f"{min(worse):+.3f} to {max(worse):+.3f}")
        )
        shown.add_row(name, f"{statistics.mean(losses):.3f}", *row)
    out().print(shown)
    return 0


def _ready(threads: int | None) -> str | None:
    import torch

    from headway.evals.speed import busy

    if threads is not None:
        torch.set_num_threads(threads)
    return busy()


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


def _facts(text: str, gains: list[float]) -> None:
    out().print(f"{text} {', '.join(f'{gain:.3f}' for gain in gains)} after the same seconds.", soft_wrap=True)


def _keep(path: Path | None, content: dict[str, Any]) -> None:
    from headway.evals.speed import machine

    if path is not None:
        write(path, {"machine": machine(), **content})

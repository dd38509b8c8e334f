"""``headway reproduce NAME``: run a claim, or go on with it, and say what came of it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.markup import escape
from rich.table import Table

from headway.base.console import Bar, err
from headway.base.console import out as answers
from headway.base.errors import HeadwayError
from headway.claims import catalog, shelf
from headway.claims.run import ClaimReporter, Unit
from headway.cli.shared.numbers import Whole
from headway.learn import evidence

app = App(name="reproduce", help="Reproduce a paper's claim: arms, seeds, a negative control, a verdict.")


@app.default
def reproduce(
    name: str,
    /,
    *,
    seeds: Annotated[str | None, Parameter(help="Which seeds: 0..9, or 1,4,7. Each claim has its own default.")] = None,
    seed_count: Annotated[Whole | None, Parameter(help="How many seeds, counted from 0.")] = None,
    out: Annotated[
        Path | None, Parameter(help="Write into this folder instead of the workspace's claims/NAME.")
    ] = None,
    jobs: Annotated[Whole, Parameter(help="Units to run side by side. The numbers do not depend on it.")] = 1,
    fresh: Annotated[bool, Parameter(help="Run everything again, kept units included.", negative="")] = False,
) -> int:
    """Run the claim NAME, or go on where an earlier run was stopped.

    Writes result.json, result.png and units/ into claims/NAME of the workspace, or into results/NAME outside of one.
    Exit code 0: reproduced, or too few seeds for a verdict. 1: not at this scale, or contradicted.

    Parameters
    ----------
    name
        A claim; `headway claims` lists them.
    """
    wanted = parse_seeds(seeds, seed_count)
    if jobs < 1:
        raise HeadwayError(f"--jobs {jobs}: give 1 or more.")
    catalog.check_name(name)
    workspace = shelf.workspace_around() if out is None else None
    folder = out if out is not None else shelf.home() / name
    if folder.exists() and not folder.is_dir():
        raise HeadwayError(f"{folder} is a file; --out needs a folder.")

    from headway.claims.run import reproduce as run

    claim = catalog.get(name)
    with reporter(name) as report:
        try:
            result = run(claim, folder, seeds=wanted, jobs=jobs, fresh=fresh, reporter=report)
        except KeyboardInterrupt:
            report.stop()
            err().print(
                f"stopped: {report.finished} of {report.units} units are kept; the same command goes on from there."
            )
            raise
    show(answers(), result)
    answers().print(f"numbers  {folder / 'result.json'}\npicture  {folder / 'result.png'}")
    if workspace:
        evidence.record(
            workspace,
            kind="claim",
            name=name,
            result=result["verdict"],
            seeds=result["seeds"],
            code=result["code"],
            cpu_seconds=result["cpu_seconds"],
        )
    return 0 if result["verdict"] in ("reproduced", "undecided") else 1


def parse_seeds(seeds: str | None, count: int | None) -> tuple[int, ...] | None:
    """``0..4`` or ``1,4,7`` (or both, joined by commas), or a count from 0; None for the claim's own."""
    if count is not None:
        if seeds is not None:
            raise HeadwayError("give --seeds or --seed-count, not both.")
        if not 1 <= count <= 1000:
            raise HeadwayError(f"--seed-count {count}: give 1 to 1000.")
        return tuple(range(count))
    if seeds is None:
        return None
    found: list[int] = []
    for part in seeds.split(","):
        first, dots, last = part.strip().partition("..")
        try:
            low = int(first)
            high = int(last) if dots else low
        except ValueError:
            raise HeadwayError(f"--seeds {seeds}: write 0..9, or 1,4,7.") from None
        if low < 0 or high < low or high - low >= 1000 or high >= 2**31:
            raise HeadwayError(f"--seeds {seeds}: seeds are 0 or more, rising, and at most 1000 at once.")
        found += range(low, high + 1)
    return tuple(dict.fromkeys(found))


def show(console: Any, result: dict[str, Any]) -> None:
    """Print the checks of a result and its verdict; every number comes from the JSON."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("check")
    table.add_column("mean", justify="right", no_wrap=True)
    table.add_column("threshold", no_wrap=True)
    table.add_column("seeds", no_wrap=True)
    table.add_column("", no_wrap=True)
    for check in result["checks"]:
        table.add_row(
            escape(check["text"]),
            number(check["mean"]),
            check["threshold"],
            f"{check['held']}/{len(check['values'])}",
            f"[{ {'holds': 'green', 'opposite': 'red'}.get(check['outcome'], 'yellow') }]{check['outcome']}[/]",
        )
    console.print(table)
    console.print()
    colour = {"reproduced": "green", "contradicted": "red"}.get(result["verdict"], "yellow")
    console.print(f"[bold {colour}]{result['verdict']}[/]: {escape(result['reason'])}")
    seconds = result["cpu_seconds"]
    cost = f"{seconds:.{1 if seconds < 10 else 0}f} CPU-seconds" if seconds < 120 else f"{seconds / 60:.1f} CPU-minutes"
    console.print(f"[dim]{len(result['seeds'])} seeds, {cost}, torch {result['torch']}[/dim]")


def number(value: float) -> str:
    """Three figures that matter: 0.437, 12.3, 3.1e-15."""
    return f"{value:.2e}" if value and not 1e-3 <= abs(value) < 1e5 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """``40 s`` or ``3 min``."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


@contextlib.contextmanager
def reporter(name: str) -> Iterator[Any]:
    """A bar with the time left on a terminal; elsewhere a plain line now and then. Both on standard error."""
    found = _bar(name) if err().is_terminal else _lines(name)
    try:
        yield found
    finally:
        found.stop()


def _lines(name: str) -> ClaimReporter:

    class Lines(ClaimReporter):
        def __init__(self) -> None:
            self.units = self.finished = 0
            self.last = 0.0

        def note(self, line: str) -> None:
            print(f"{name}: {line}", file=sys.stderr, flush=True)

        def start(self, units: int, finished: int, seconds_left: float) -> None:
            self.units, self.finished = units, finished
            kept = f", {finished} kept from before" if finished else ""
            left = f", about {duration(seconds_left)}" if finished < units else ""
            print(f"{name}: {units} units{kept}{left}", file=sys.stderr, flush=True)

        def unit(self, unit: Unit, seconds: float, finished: int, units: int, seconds_left: float) -> None:
            self.finished = finished
            # Units of milliseconds would scroll by: a line every two seconds is enough, and the last one always.
            if time.monotonic() - self.last < 2 and finished < units:
                return
            self.last = time.monotonic()
            left = f", about {duration(seconds_left)} left" if finished < units else ""
            print(
                f"{name}: {finished}/{units}  {unit.arm}, seed {unit.seed}: {seconds:.1f} s{left}",
                file=sys.stderr,
                flush=True,
            )

    return Lines()


def _bar(name: str) -> ClaimReporter:

    class OnTerminal(ClaimReporter):
        def __init__(self) -> None:
            self.units = self.finished = 0
            self.bar: Bar | None = None

        def note(self, line: str) -> None:
            err().print(f"{name}: {line}", markup=False)

        def start(self, units: int, finished: int, seconds_left: float) -> None:
            self.units, self.finished = units, finished
            self.bar = Bar(name, units, done=finished, time_left=False)
            self.bar.to(finished, f"about {duration(seconds_left)} left")

        def unit(self, unit: Unit, seconds: float, finished: int, units: int, seconds_left: float) -> None:
            self.finished = finished
            last = f"{unit.arm}, seed {unit.seed}: {seconds:.1f} s"
            if self.bar is not None:
                self.bar.to(finished, f"about {duration(seconds_left)} left  {last}")

        def stop(self) -> None:
            if self.bar is not None:
                self.bar.stop()

    return OnTerminal()

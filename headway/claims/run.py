"""Running a claim: its units one after another, each kept when it is done, then the verdict, the JSON and the picture."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from headway import __version__
from headway.base.errors import Corrupt, HeadwayError
from headway.claims import catalog, shelf
from headway.claims.base import Claim, ClaimVerdict, Numbers, Seed, verdict
from headway.claims.code import files, fingerprints
from headway.claims.pictures import save
from headway.evals.record import commit_of


@dataclass(frozen=True)
class Unit:
    """One arm with one seed."""

    arm: str
    seed: int

    @property
    def file(self) -> str:
        return f"{self.arm}.{self.seed}.json"


@dataclass(frozen=True, kw_only=True)
class Done:
    """What is kept of a finished unit. `seconds` is CPU time."""

    numbers: Numbers
    seconds: float


class ClaimReporter:
    """Is called while a claim runs, to show how far it is. This one shows nothing."""

    def note(self, line: str) -> None:
        """Something worth a line, before the units start."""

    def start(self, units: int, finished: int, seconds_left: float) -> None:
        """`units` in all, of which `finished` are kept from earlier; `seconds_left` is the expected wall time."""

    def unit(self, unit: Unit, seconds: float, finished: int, units: int, seconds_left: float) -> None:
        """A unit is done and kept."""

    def stop(self) -> None:
        """No more units, for whatever reason."""


def run_unit(claim: Claim, arm: str, seed: int) -> Done:
    """Run one unit: seeded, on one thread, leaving torch's generator and thread count as they were."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    began = time.process_time()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            numbers = claim.unit(arm, seed)
    finally:
        torch.set_num_threads(threads)
    return Done(numbers=numbers, seconds=time.process_time() - began)


def reproduce(
    claim: Claim,
    folder: Path,
    *,
    seeds: tuple[int, ...] | None = None,
    jobs: int = 1,
    fresh: bool = False,
    reporter: ClaimReporter | None = None,
) -> dict[str, Any]:
    """Run `claim` for `seeds` and write ``result.json`` and ``result.png`` into `folder`; return what the JSON holds.

    Every finished unit is kept in ``folder/units/``. Units of the same code, settings and torch are not run again, so that
    a run which was interrupted goes on where it stopped, and more seeds cost only the new ones. `fresh` runs all of them.
    """
    reporter = reporter or ClaimReporter()
    seeds = tuple(dict.fromkeys(claim.seeds if seeds is None else seeds))
    if not seeds:
        raise HeadwayError(f"{claim.name} needs at least one seed: --seeds 0..4")
    key = _key(claim)
    todo = [Unit(arm.name, seed) for seed in seeds for arm in claim.arms]
    kept, notes = ({}, []) if fresh else _kept(folder / "units", todo, key)
    for line in notes:
        reporter.note(line)
    units = len(todo)
    todo = [unit for unit in todo if unit not in kept]
    clock = _Clock(claim, kept, jobs)
    reporter.start(units, len(kept), clock.left(todo))
    began = time.monotonic()
    try:
        for unit, done in _run(claim, todo, jobs):
            shelf.write(
                folder / "units" / unit.file, {"key": key, "numbers": done.numbers, "seconds": round(done.seconds, 3)}
            )
            kept[unit] = done
            clock.saw(unit, done)
            left = clock.left([each for each in todo if each not in kept])
            reporter.unit(unit, done.seconds, len(kept), units, left)
    finally:
        reporter.stop()
    result = _result(claim, seeds, kept, time.monotonic() - began, key)
    shelf.write(folder / "result.json", result)

    save(claim, numbers(result), result, folder / "result.png")
    return result


def numbers(result: dict[str, Any]) -> dict[int, Seed]:
    """The per-seed numbers of a result as `verdict` and `draw` take them: seed -> arm -> numbers."""
    return {seed: {arm: row["numbers"][str(seed)] for arm, row in result["arms"].items()} for seed in result["seeds"]}


def _key(claim: Claim) -> dict[str, str]:
    """What has to be the same for a kept unit to be used: the claim's code, headway's code under it, and torch."""
    import torch

    own, library = fingerprints(claim.unit.__module__)
    return {"code": own, "library": library, "torch": torch.__version__}


def _kept(folder: Path, units: list[Unit], key: dict[str, str]) -> tuple[dict[Unit, Done], list[str]]:
    """The finished units in `folder` that still count, and a line for each reason why others do not."""
    kept: dict[Unit, Done] = {}
    stale: dict[str, int] = {}
    for unit in units:
        try:
            content = shelf.read(folder / unit.file)
            found = Done(numbers=content["numbers"], seconds=float(content["seconds"]))
            theirs = content["key"]
            changed = [part for part in key if theirs.get(part) != key[part]]
        except FileNotFoundError:
            continue
        except (Corrupt, KeyError, TypeError, ValueError, AttributeError):
            stale["cannot be read"] = stale.get("cannot be read", 0) + 1
            continue
        if not changed and isinstance(found.numbers, dict):
            kept[unit] = found
        else:
            reason = {
                "code": "were made by an earlier version of the claim's code or settings",
                "library": "were made by an earlier version of the code under the claim",
                "torch": "were made by another version of torch",
            }[changed[0] if changed else "code"]
            stale[reason] = stale.get(reason, 0) + 1
    return kept, [f"{count} kept units {reason}: they are run again" for reason, count in stale.items()]


def _run(claim: Claim, units: list[Unit], jobs: int) -> Iterator[tuple[Unit, Done]]:
    """The units as they finish, in this process or in `jobs` others. The numbers do not depend on which."""
    if jobs <= 1 or len(units) <= 1:
        for unit in units:
            yield unit, run_unit(claim, unit.arm, unit.seed)
        return
    # Spawned, not forked: a fork after torch has started its threads can hang.
    pool = ProcessPoolExecutor(min(jobs, len(units)), mp_context=get_context("spawn"), initializer=_quiet)
    try:
        waiting = {pool.submit(_run_named, claim.name, unit.arm, unit.seed): unit for unit in units}
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(future), future.result()
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _run_named(name: str, arm: str, seed: int) -> Done:
    return run_unit(catalog.get(name), arm, seed)


def _quiet() -> None:
    """In a worker: Ctrl-C belongs to the parent, which ends the workers itself; where it is killed, they end as well."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _Clock:
    """How long the rest will take, from what each arm has cost so far, here or when the shipped result was made."""

    def __init__(self, claim: Claim, kept: dict[Unit, Done], jobs: int) -> None:
        self.jobs = max(1, jobs)
        self.budget = 60 * claim.minutes / len(claim.seeds) / len(claim.arms)
        self.before = {
            name: row["seconds"] / max(1, len(row["numbers"]))
            for name, row in ((shelf.shipped(claim.name) or {}).get("arms") or {}).items()
        }
        self.here: dict[str, list[float]] = {}
        self.wall = time.monotonic()
        self.ran = 0.0
        for unit, done in kept.items():
            self.here.setdefault(unit.arm, []).append(done.seconds)

    def saw(self, unit: Unit, done: Done) -> None:
        self.here.setdefault(unit.arm, []).append(done.seconds)
        self.ran += done.seconds

    def left(self, units: list[Unit]) -> float:
        """Seconds of wall time."""
        total = sum(self._cost(unit.arm) for unit in units)
        # A shared core gives less than one second of work per second.
        spent = time.monotonic() - self.wall
        slowness = max(1.0, spent * self.jobs / self.ran) if self.ran > 5 else 1.0
        return total * slowness / self.jobs

    def _cost(self, arm: str) -> float:
        if seen := self.here.get(arm):
            return sum(seen) / len(seen)
        if arm in self.before:
            ratios = [
                sum(seen) / len(seen) / self.before[each]
                for each, seen in self.here.items()
                if self.before.get(each, 0) > 0
            ]
            return self.before[arm] * (sum(ratios) / len(ratios) if ratios else 1.0)
        return self.budget


def _result(
    claim: Claim, seeds: tuple[int, ...], kept: dict[Unit, Done], wall: float, key: dict[str, str]
) -> dict[str, Any]:
    by_seed: dict[int, Seed] = {
        seed: {arm.name: kept[Unit(arm.name, seed)].numbers for arm in claim.arms} for seed in seeds
    }
    arms = {
        arm.name: {
            "text": arm.text,
            "control": arm.control,
            "seconds": round(sum(kept[Unit(arm.name, seed)].seconds for seed in seeds), 2),
            "numbers": {str(seed): kept[Unit(arm.name, seed)].numbers for seed in seeds},
        }
        for arm in claim.arms
    }
    return {
        "claim": claim.name,
        **verdict_facts(verdict(claim, by_seed)),
        **described(claim),
        "seeds": list(seeds),
        "arms": arms,
        "cpu_seconds": round(sum(row["seconds"] for row in arms.values()), 2),
        "wall_seconds": round(wall, 2),
        "threads_per_unit": 1,
        **key,
        "headway": __version__,
        "commit": commit_of(Path(__file__), made_by=files(claim.unit.__module__)),
        "python": platform.python_version(),
        "machine": machine(),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def described(claim: Claim) -> dict[str, Any]:
    """What the JSON holds that is known before anything has run."""
    return {
        "claim": claim.name,
        "statement": claim.statement,
        "papers": [
            {"key": one.paper.key, "title": one.paper.title, "arxiv": one.paper.arxiv, "where": one.where}
            for one in claim.papers
        ],
        "experiment": claim.experiment,
        "control": claim.control,
        "statistic": claim.statistic,
        "limits": claim.limits,
        "seeds": list(claim.seeds),
        "settings": dict(claim.settings),
        "arms": {arm.name: {"text": arm.text, "control": arm.control} for arm in claim.arms},
        "budget_minutes": claim.minutes,
    }


def verdict_facts(found: ClaimVerdict) -> dict[str, Any]:
    """A verdict as the JSON holds it."""
    return {
        "verdict": found.word,
        "reason": found.reason,
        "checks": [
            {
                "text": each.check.text,
                "control": each.check.control,
                "exact": each.check.exact,
                "threshold": each.check.sign,
                "contrary": each.check.contrary,
                "values": {str(seed): value for seed, value in each.values.items()},
                "mean": each.mean,
                "held": each.held,
                "needed": each.needed,
                "outcome": each.word,
            }
            for each in found.outcomes
        ],
    }


def machine() -> dict[str, Any]:
    """The processor and its cores: what a reader needs to judge the seconds."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return {"processor": name, "cores": os.cpu_count(), "system": platform.system()}

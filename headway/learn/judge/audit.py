"""The judge judged: of every exercise the stub is unfinished, each solution passes, each mistake is rejected and named."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headway.learn.contract import contract_of, mistakes_of
from headway.learn.exercise import FILES, Exercise
from headway.learn.judge.front import Judge

MISTAKES, SOLUTIONS, HINTS, SECONDS = 8, 2, (2, 4), 5.0
"""The least an exercise has, and the longest a check may take."""


@dataclass
class Audit:
    """What came of one exercise. `gaps` are sentences; none means that it is as it has to be."""

    exercise: str
    solutions: int = 0
    refused: int = 0
    mistakes: int = 0
    rejected: int = 0
    named: int = 0
    hints: int = 0
    seconds: float = 0.0
    gaps: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def audit(
    exercise: Exercise,
    judge: Judge,
    seed: int | None = None,
    draws: int | None = None,
    only: Collection[str] | None = None,
) -> Audit:
    """Judge the stub, the solutions and the mistakes of one exercise.

    Args:
        seed: Of all inputs; a fresh one for each if None.
        draws: Inputs per case, at most, on which mistakes are judged.
        only: Names of solutions and mistakes; all of them if None.
    """
    began = time.monotonic()
    found = Audit(exercise.id)
    missing = [name for name in FILES if not (exercise.folder / name).exists()]
    if missing:
        found.gaps.append(f"{exercise.id}: {', '.join(missing)} missing")
        return found
    found.hints = len(exercise.hints)
    if not HINTS[0] <= found.hints <= HINTS[1]:
        found.gaps.append(f"{exercise.id}: {found.hints} hints, where {HINTS[0]} to {HINTS[1]} are asked for")

    def judged(what: str, path: Path, instead: dict[str, str] | None = None):
        verdict = judge.check(exercise, path, seed, instead, draws if instead else None)
        row = {"what": what, "status": verdict.status, "names": list(verdict.names), "line": verdict.line}
        found.rows.append({**row, "seed": verdict.seed, "seconds": verdict.seconds, "processor": verdict.processor})
        if verdict.passed and verdict.processor > SECONDS:
            found.gaps.append(f"{exercise.id}: judging {what} takes {verdict.processor} s of processor time")
        return verdict

    verdict = judged("stub", exercise.task)
    if verdict.status != "unfinished":
        found.gaps.append(f"{exercise.id}: the stub is judged '{verdict.status}' ({verdict.line}), not unfinished")
    with tempfile.TemporaryDirectory() as folder:
        for style, source in exercise.styles.items():
            if only is not None and style not in only:
                continue
            path = Path(folder) / f"{style}.py"
            path.write_text(source, encoding="utf-8")
            verdict = judged(f"solution {style}", path)
            found.solutions += 1
            if not verdict.passed:
                found.refused += 1
                found.gaps.append(f"{exercise.id}: solution {style} is rejected, seed {verdict.seed}: {verdict.line}")
    if len(exercise.styles) < SOLUTIONS:
        found.gaps.append(f"{exercise.id}: {len(exercise.styles)} solutions, where {SOLUTIONS} or more are asked for")
    entries = contract_of(exercise).entries
    names: set[str] = set()
    mistakes = mistakes_of(exercise)
    for mistake in mistakes:
        if mistake.name in names:
            found.gaps.append(f"{exercise.id}: two mistakes are called {mistake.name}")
        names.add(mistake.name)
        if only is not None and mistake.name not in only:
            continue
        verdict = judged(
            f"mistake {mistake.name}", exercise.folder / "mistakes.py", {mistake.entry or entries[0]: mistake.name}
        )
        found.mistakes += 1
        if verdict.passed or verdict.status == "broken":
            found.gaps.append(
                f"{exercise.id}: mistake {mistake.name} is {verdict.status}, seed {verdict.seed}: {verdict.line}"
            )
            continue
        found.rejected += 1
        # One mistake may stand there in several forms, with one sentence: which of them is named does not matter.
        forms = {other.name for other in mistakes if (other.sentence, other.entry) == (mistake.sentence, mistake.entry)}
        if verdict.named and verdict.names[0] in (*forms, mistake.kind):
            found.named += 1
        else:
            called = ", ".join(verdict.names) or verdict.status
            found.gaps.append(
                f"{exercise.id}: mistake {mistake.name} is called {called}, seed {verdict.seed}: {verdict.line}"
            )
    if len(names) < MISTAKES:
        found.gaps.append(f"{exercise.id}: {len(names)} mistakes, where {MISTAKES} or more are asked for")
    found.seconds = round(time.monotonic() - began, 2)
    return found

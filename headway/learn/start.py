"""Making a workspace, or adding to one what is missing. Nothing the learner has is changed; done twice it does nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from headway.base.errors import HeadwayError
from headway.base.files import checksum, expanded, write_bytes, write_text
from headway.base.reading import read_json
from headway.learn.exercise import Exercise, exercises
from headway.learn.path import COURSE
from headway.learn.plan import read_bytes
from headway.learn.workspace import Workspace, create, is_workspace

BUNDLED = COURSE / "plan.md"
"""The plan of a learner who brings none."""


@dataclass(frozen=True)
class Started:
    """What `start` did.

    Attributes:
        workspace: Where.
        new: Whether it was no workspace before.
        plan: ``copied`` (from the plan given), ``bundled``, ``kept`` (there was one), ``same`` (there was one, and it is
            the plan given), ``other`` (there was one, it stays, and the plan given is another).
        stubs: Exercises copied now.
        renewed: Exercises whose untouched stub was replaced by this version's.
    """

    workspace: Workspace
    new: bool
    plan: str
    stubs: tuple[str, ...]
    renewed: tuple[str, ...]


def start(root: Path, plan: Path | None = None, course: dict[str, Exercise] | None = None) -> Started:
    """Make `root` a workspace with a plan and all exercise stubs, adding only what is missing.

    Everything that could be wrong with `plan` is found before anything is written. A crash at any point leaves a
    workspace that the same call completes.
    """
    workspace = Workspace(expanded(root).absolute())
    given = read_bytes(plan) if plan is not None else None
    if workspace.plan.exists() or workspace.plan.is_symlink():
        present = read_bytes(workspace.plan)
        told = "kept" if given is None else "same" if given == present else "other"
    else:
        told = "bundled" if given is None else "copied"
    new = not is_workspace(workspace.root)
    create(workspace.root)
    if told in ("bundled", "copied"):
        write_bytes(workspace.plan, given if given is not None else BUNDLED.read_bytes())
    stubs, renewed = copy_stubs(workspace, course)
    return Started(workspace, new, told, tuple(stubs), tuple(renewed))


def copy_stubs(workspace: Workspace, course: dict[str, Exercise] | None = None) -> tuple[list[str], list[str]]:
    """Copy the stubs that are missing, and renew those the learner never touched where the course has newer ones.

    Returns the exercises copied and the exercises renewed. Whether a stub was touched is told by its checksum at the time
    it was copied, kept in ``.headway/stubs.json``; without one it counts as touched.
    """
    sums = _sums(workspace)
    before = dict(sums)
    copied, renewed = [], []
    for exercise in (exercises() if course is None else course).values():
        file = workspace.exercise_file(exercise.id)
        stub = exercise.task.read_bytes()
        if not file.exists():
            if file.is_symlink():
                raise HeadwayError(f"{file} is a link to nowhere: remove it.")
            write_bytes(file, stub)
            copied.append(exercise.id)
        elif sums.get(exercise.id) == (now := checksum(file.read_bytes())) and now != checksum(stub):
            write_bytes(file, stub)
            renewed.append(exercise.id)
        else:
            continue
        sums[exercise.id] = checksum(stub)
    if sums != before:
        write_text(_sums_file(workspace), json.dumps(sums, indent=1) + "\n")
    return copied, renewed


def untouched(workspace: Workspace, exercise: Exercise) -> bool:
    """Whether the learner's file is still the stub, this version's or the one that was copied; also where there is none."""
    try:
        now = workspace.exercise_file(exercise.id).read_bytes()
    except FileNotFoundError:
        return True
    return now == exercise.task.read_bytes() or checksum(now) == _sums(workspace).get(exercise.id)


def _sums_file(workspace: Workspace) -> Path:
    return workspace.marks / "stubs.json"


def _sums(workspace: Workspace) -> dict[str, str]:
    """What was copied, by exercise. A file that cannot be read only means that no stub is renewed."""
    try:
        found = read_json(_sums_file(workspace))
    except (OSError, HeadwayError):
        return {}
    return {str(id): str(value) for id, value in found.items()} if isinstance(found, dict) else {}

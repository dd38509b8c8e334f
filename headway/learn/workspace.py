"""The learner's folder: where the plan, the exercises, the notes, the runs and the evidence lie.

A workspace is any folder that holds ``.headway/``. Everything in it is plain files that belong to the learner.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from headway.base.errors import HeadwayError
from headway.base.files import expanded

MARK = ".headway"
"""The folder whose presence makes its parent a workspace."""

DEFAULT_NAME = "my-transformers"
"""What ``headway start`` creates when it is told nothing else."""


@dataclass(frozen=True)
class Workspace:
    """A learner's folder. The paths are where things belong; only `root` and `marks` are sure to exist."""

    root: Path

    @property
    def plan(self) -> Path:
        """The learner's own checklist."""
        return self.root / "PLAN.md"

    @property
    def exercises(self) -> Path:
        """``exercises/<topic>/<name>.py``: the stubs, copied once, then the learner's."""
        return self.root / "exercises"

    @property
    def papers(self) -> Path:
        """``papers/<key>.md``: one note per paper."""
        return self.root / "papers"

    @property
    def runs(self) -> Path:
        """``runs/<time>-<name>/``: one folder per training run."""
        return self.root / "runs"

    @property
    def marks(self) -> Path:
        """``.headway/``: what Headway itself keeps."""
        return self.root / MARK

    @property
    def log(self) -> Path:
        """The append-only evidence log."""
        return self.marks / "log.jsonl"

    def exercise_file(self, exercise: str) -> Path:
        """The learner's file for the exercise ``<topic>/<name>``."""
        topic, _, name = exercise.partition("/")
        return self.exercises / topic / f"{name}.py"


def is_workspace(folder: Path) -> bool:
    """Whether `folder` holds ``.headway/``."""
    return (folder / MARK).is_dir()


def find_workspace(start: Path | str | None = None) -> Workspace:
    """The workspace to work in.

    Without `start`: the folder that ``$HEADWAY_WORKSPACE`` names, else the current folder or the nearest of its parents
    that is a workspace, else ``./my-transformers``. With `start` the search begins there and the variable is not asked.

    Raises HeadwayError where there is none.
    """
    named = os.environ.get("HEADWAY_WORKSPACE") if start is None else None
    if named:
        root = expanded(named, "HEADWAY_WORKSPACE").absolute()
        if is_workspace(root):
            return Workspace(root)
        raise HeadwayError(
            f"HEADWAY_WORKSPACE names {root}, which is no workspace: run `headway start --into {root}`, or unset it."
        )
    here = expanded(start if start is not None else Path.cwd()).absolute()
    for folder in (here, *here.parents, here / DEFAULT_NAME):
        if is_workspace(folder):
            return Workspace(folder)
    raise HeadwayError(
        f"there is no workspace in {here}, above it, or in ./{DEFAULT_NAME}: run `headway start` to make one."
    )


def workspace_around(start: Path | str | None = None) -> Workspace | None:
    """`find_workspace`, or None where there is none.

    Raises HeadwayError where ``HEADWAY_WORKSPACE`` names a folder that is no workspace: that is a mistake, not "none".
    """
    try:
        return find_workspace(start)
    except HeadwayError:
        if start is None and os.environ.get("HEADWAY_WORKSPACE"):
            raise
        return None


def create(root: Path | str) -> Workspace:
    """Make `root` a workspace, if it is not one yet; nothing that is there already is touched."""
    workspace = Workspace(expanded(root).absolute())
    if workspace.root.exists() and not workspace.root.is_dir():
        raise HeadwayError(f"{workspace.root} is a file: give --into a folder.")
    for folder in (workspace.marks, workspace.exercises, workspace.papers, workspace.runs):
        if folder.exists() and not folder.is_dir():
            raise HeadwayError(f"{folder} is a file, and Headway needs a folder there: move it away.")
        folder.mkdir(parents=True, exist_ok=True)
    return workspace

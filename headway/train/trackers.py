"""Metrics to other people's dashboards, for those who have them. The run folder is complete without any of these."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from headway.base.errors import HeadwayError

TRACKERS = {"tensorboard": "tensorboard", "trackio": "trackio", "wandb": "wandb"}
"""Name -> the package it needs."""


class Tracker(Protocol):
    """Something that is told the metrics of a step."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None: ...
    def close(self) -> None: ...


def open_trackers(names: tuple[str, ...], folder: Path, name: str, settings: dict[str, Any]) -> list[Tracker]:
    """The trackers called `names`, for the run in `folder`. Raises HeadwayError if a package is missing."""
    return [_OPEN[tracker](_package(tracker), folder, name, settings) for tracker in names]


def check_trackers(names: tuple[str, ...]) -> None:
    """Raise, before anything is made, if a tracker's package is missing."""
    for name in names:
        _package(name)


def _package(name: str) -> Any:
    module = "torch.utils.tensorboard" if name == "tensorboard" else TRACKERS[name]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise HeadwayError(
            f"the tracker {name} needs its package: pip install -c constraints.txt {TRACKERS[name]}, "
            f"or leave it out of trackers ({error})."
        ) from None


class _TensorBoard:
    def __init__(self, package: Any, folder: Path, name: str, settings: dict[str, Any]):
        self.writer = package.SummaryWriter(str(folder / "tensorboard"))

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        for key, value in metrics.items():
            self.writer.add_scalar(key, value, step)

    def close(self) -> None:
        self.writer.close()


class _Board:
    """Weights & Biases, and Trackio, which has the same three calls. Nothing is sent unless the user's set-up says so."""

    def __init__(self, package: Any, folder: Path, name: str, settings: dict[str, Any]):
        self.package = package
        if package.__name__ == "wandb":
            # A run that waits for a key at a prompt has not begun: without a log-in it is recorded offline.
            known = os.environ.get("WANDB_MODE") or getattr(getattr(package, "api", None), "api_key", None)
            how = {} if known else {"mode": "offline"}
            self.run = package.init(project="headway", name=folder.name, dir=str(folder), config=settings, **how)
        else:
            self.run = package.init(project="headway", name=folder.name, config=settings)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self.package.log(dict(metrics), step=step)

    def close(self) -> None:
        with contextlib.suppress(Exception):  # what became of the dashboard must not spoil the run
            self.package.finish()


_OPEN: dict[str, Any] = {"tensorboard": _TensorBoard, "trackio": _Board, "wandb": _Board}

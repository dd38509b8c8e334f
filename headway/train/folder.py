"""A run's folder: what it was asked, what happened, and where it stands. Plain files, all of them the learner's.

runs/<time>-<name>/
  config.json     the settings, and what they were run with
  tokenizer.json  text <-> ids
  metrics.jsonl   one line per report; metrics.csv is the same as a table
  loss.png        the curves
  samples.txt     what the model wrote on the way
  checkpoint/     where `headway train --resume` goes on
  model/          the finished model, for `headway run`
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headway.base.errors import Corrupt, HeadwayError
from headway.base.files import LEFT_BEHIND, append_line, expanded, umask, write_text
from headway.base.lock import locked
from headway.base.reading import read_json_object
from headway.learn.workspace import workspace_around
from headway.train.config import TrainConfig, from_dict
from headway.train.disk import room_for, saved_steps
from headway.train.pictures import draw_runs

RULE = "----- "
"""What a sample's heading begins with."""


class RunFolder:
    """One run on the disk."""

    def __init__(self, path: Path):
        self.path = path
        self.checkpoints = path / "checkpoint"
        self.metrics_file = path / "metrics.jsonl"
        self.samples_file = path / "samples.txt"

    @classmethod
    def create(cls, home: Path, config: TrainConfig, facts: Mapping[str, Any]) -> RunFolder:
        """A new folder under `home`, with config.json in it from the moment it exists."""
        with room_for(home):
            home.mkdir(parents=True, exist_ok=True)
            _sweep(home)
            stamp = time.strftime("%Y%m%d-%H%M%S")
            temporary = Path(tempfile.mkdtemp(prefix=f".{config.name}.", dir=home))
            try:
                (temporary / "checkpoint").mkdir()
                write_text(temporary / "config.json", _json({"config": config.to_dict(), **facts}))
                os.chmod(temporary, 0o777 & ~umask())
                for n in range(1000):
                    path = home / f"{stamp}-{config.name}{f'-{n + 1}' if n else ''}"
                    with contextlib.suppress(OSError):
                        os.rename(temporary, path)  # refuses where another run of the same second is
                        return cls(path)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        raise HeadwayError(f"no run can be made in {home}: is it a folder that you may write to?")

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The run in `path`. Raises HeadwayError where there is none."""
        if not (path / "config.json").is_file():
            raise HeadwayError(f"{path} is no run: it has no config.json. `headway runs` lists the runs there are.")
        return cls(path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def step(self) -> int:
        """The step that is done: of the newest checkpoint or report, whichever is later."""
        reported = (row["step"] for row in self.metrics()[-1:])
        return max((*saved_steps(self.checkpoints), *reported), default=0)

    @property
    def model(self) -> Path:
        """The folder of the finished model. Raises HeadwayError where there is none yet."""
        folder = self.path / "model"
        if not (folder / "config.json").is_file():
            raise HeadwayError(
                f"{self.path} has no finished model yet: `headway train --resume {self.path}` goes on after step {self.step}."
            )
        return folder

    def facts(self) -> dict[str, Any]:
        """The content of config.json."""
        path = self.path / "config.json"
        found = read_json_object(path, then="it is not what Headway wrote; put back a copy")
        if not isinstance(found.get("config"), dict):
            raise Corrupt(f"{path} is not what Headway wrote (no settings under 'config'); put back a copy")
        return found

    def config(self) -> TrainConfig:
        """The run's settings."""
        return from_dict(self.facts()["config"])

    def note(self, **facts: Any) -> None:
        """Add to config.json, or replace what is there under these names."""
        with room_for(self.path):
            write_text(self.path / "config.json", _json({**self.facts(), **facts}))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the run: a second process that wants to go on with it is refused."""
        with locked(self.path / ".lock", busy=f"{self.path} is being trained by another process right now"):
            yield

    # Metrics

    def metrics(self) -> list[dict[str, Any]]:
        """Every line of metrics.jsonl that can be read."""
        return read_metrics(self.metrics_file)

    def report(self, row: Mapping[str, Any]) -> None:
        """Add one line to metrics.jsonl; it is on the disk when this returns."""
        with room_for(self.path):
            append_line(self.metrics_file, json.dumps(plain(row), allow_nan=False))

    def rewind(self, step: int) -> None:
        """Forget what was reported after `step`, so that going on from there leaves no line twice."""
        with room_for(self.path):
            if self.metrics_file.exists():
                rows = self.metrics()
                kept = [row for row in rows if row["step"] <= step]
                text = "".join(json.dumps(row) + "\n" for row in kept)
                if self.metrics_file.read_bytes() != text.encode():
                    write_text(self.metrics_file, text)
            kept_samples = {at: text for at, text in self.samples().items() if at <= step}
            if kept_samples != self.samples():
                self._write_samples(kept_samples)

    def write_table(self) -> None:
        """Make metrics.csv from metrics.jsonl."""
        rows = self.metrics()
        columns = list(dict.fromkeys(key for row in rows for key in row))
        text = io.StringIO()
        table = csv.DictWriter(text, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        with room_for(self.path):
            write_text(self.path / "metrics.csv", text.getvalue())

    def draw(self) -> None:
        """Make loss.png from metrics.jsonl."""

        with room_for(self.path):
            draw_runs([(self.name, self.metrics())], self.path / "loss.png")

    # Samples

    def samples(self) -> dict[int, str]:
        """Step -> what the model wrote."""
        found: dict[int, str] = {}
        if self.samples_file.exists():
            text = self.samples_file.read_text(encoding="utf-8", errors="replace")
            for part in ("\n" + text).split(f"\n{RULE}step ")[1:]:
                heading, _, body = part.partition("\n")
                with contextlib.suppress(ValueError):
                    found[int(heading)] = body.removesuffix("\n")
        return found

    def add_sample(self, step: int, text: str) -> None:
        """Add what the model wrote after `step`."""
        self._write_samples({**self.samples(), step: text.replace(f"\n{RULE}step ", f"\n {RULE}step ")})

    def _write_samples(self, samples: Mapping[int, str]) -> None:
        parts = [f"{RULE}step {step}\n{text}\n" for step, text in sorted(samples.items())]
        with room_for(self.path):
            write_text(self.samples_file, "".join(parts))


def _sweep(home: Path) -> None:
    """Clear away folders that a process was making when it was killed: hidden, and with nothing in them but settings."""
    for path in home.glob(".*.????????"):
        with contextlib.suppress(OSError):
            inside = {entry.name for entry in path.iterdir()}
            if time.time() - path.stat().st_mtime > LEFT_BEHIND and inside <= {"config.json", "checkpoint"}:
                shutil.rmtree(path)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl that can be read, ordered by step, one per step: the last that was written."""
    found: dict[int, dict[str, Any]] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):
            row = json.loads(line)
            if isinstance(row, dict) and isinstance(row.get("step"), int):
                found[row["step"]] = row
    return [found[step] for step in sorted(found)]


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """`row` for JSON, which has no NaN and no infinity: they are written as words."""
    return {
        key: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }


def runs_home() -> Path:
    """``runs/`` of the workspace around, else ``runs/`` here."""
    workspace = workspace_around()
    return workspace.runs if workspace else Path("runs")


def is_run(path: Path) -> bool:
    """Whether `path` is the folder of a run, and not that of a model."""
    return (path / "config.json").is_file() and (path / "checkpoint").is_dir()


def model_of_run(name: str) -> Path | None:
    """The finished model of the run called `name` (see `find_run`) in `runs_home`; None where there is no such run."""
    home = runs_home()
    if name != "last" and not any(run.name == name or run.name.endswith(f"-{name}") for run in list_runs(home)):
        return None
    return find_run(name, home).model


def list_runs(home: Path) -> list[RunFolder]:
    """The runs in `home`, the oldest first."""
    if not home.is_dir():
        return []
    return [
        RunFolder(path) for path in sorted(home.iterdir()) if (path / "config.json").is_file() and path.name[0] != "."
    ]


def find_run(name: str, home: Path) -> RunFolder:
    """The run called `name`: a folder, the name of one in `home`, its beginning or end, or "last"."""
    path = expanded(name)
    if (path / "config.json").is_file():
        return RunFolder(path)
    runs = list_runs(home)
    if name == "last" and runs:
        return runs[-1]
    found = [run for run in runs if run.name == name] or [
        run for run in runs if run.name.startswith(name) or run.name.endswith(f"-{name}")
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise HeadwayError(f"'{name}' could be {', '.join(run.name for run in found)}: give more of the name.")
    known = ", ".join(run.name for run in runs[-5:])
    if not runs:
        raise HeadwayError(f"there are no runs in {home} yet: `headway train char-gpt` makes one.")
    raise HeadwayError(f"there is no run '{name}' in {home}. The latest: {known}.")


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

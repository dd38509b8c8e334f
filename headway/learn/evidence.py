"""The evidence log: what was checked, when, against which version, with what result.

``.headway/log.jsonl`` holds one JSON object per line and is only ever appended to. Progress is derived from it and stored
nowhere else. A line that cannot be read (a crash in the middle of a write, a hand edit) is skipped and left where it is.

Kinds: ``exercise`` (name ``<topic>/<name>``), ``claim``, ``lesson``, ``paper``, ``run``, ``tick``, ``untick``, ``skip``,
``review``, ``recall``, ``prediction``. Results of an exercise: ``passed``, ``failed``, ``gave-up``; other kinds say what suits
them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import headway
from headway.base.files import append_lines
from headway.learn.workspace import Workspace


@dataclass(frozen=True)
class Evidence:
    """One line of the log.

    `time` is ISO 8601 in UTC, to the millisecond; `version` is the Headway that wrote it; `facts` is whatever the writer
    added (seed, seconds, the mistake that was named, ...).
    """

    time: str
    kind: str
    name: str
    result: str
    facts: dict[str, Any] = field(default_factory=dict)
    version: str = ""

    @property
    def when(self) -> datetime:
        """`time` as an aware datetime."""
        return datetime.fromisoformat(self.time)


def record(workspace: Workspace, *, kind: str, name: str, result: str = "", **facts: Any) -> Evidence:
    """Append one line to the log and return it; it is on the disk when this returns.

    A fact that JSON does not know (a path, a date) is kept as its text.
    """
    (evidence,) = record_all(workspace, [{"kind": kind, "name": name, "result": result, "facts": facts}])
    return evidence


def check_writable(workspace: Workspace) -> None:
    """Raise OSError where nothing can be added to the log: asked before a change that has to be recorded."""
    with open(workspace.log, "ab"):
        pass


def record_all(workspace: Workspace, pieces: Sequence[Mapping[str, Any]]) -> list[Evidence]:
    """Append several lines at once, each given by its ``kind``, ``name``, ``result`` and ``facts``; see `record`."""
    if not pieces:
        return []
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    found, lines = [], []
    for piece in pieces:
        row: dict[str, Any] = {
            "time": now,
            "kind": piece["kind"],
            "name": piece["name"],
            "result": piece.get("result", ""),
        }
        row["headway"] = headway.__version__
        facts = dict(piece.get("facts") or {})
        if facts:
            row["facts"] = facts
        lines.append(json.dumps(row, default=str))
        found.append(Evidence(now, row["kind"], row["name"], row["result"], facts, headway.__version__))
    append_lines(workspace.log, lines)
    return found


def read(workspace: Workspace) -> list[Evidence]:
    """Every line of the log that can be read, in the order they were written; an absent log is an empty one."""
    try:
        raw = workspace.log.read_bytes()
    except FileNotFoundError:
        return []
    found = (_parse(line) for line in raw.split(b"\n"))
    return [evidence for evidence in found if evidence is not None]


def _parse(line: bytes) -> Evidence | None:
    """The evidence in `line`, or None where it is not a complete, well-formed record."""
    with contextlib.suppress(ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        row = json.loads(line)
        if not isinstance(row, dict):
            return None
        time, kind, name = row.get("time"), row.get("kind"), row.get("name")
        result, facts, version = row.get("result", ""), row.get("facts", {}), row.get("headway", "")
        if not (isinstance(time, str) and isinstance(kind, str) and isinstance(name, str) and isinstance(facts, dict)):
            return None
        if datetime.fromisoformat(time).tzinfo is None:
            return None
        return Evidence(time, kind, name, str(result), facts, str(version))
    return None

"""Results as files: numbers to JSON and back, the results that Headway ships, and the learner's own. No torch here."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from headway.base.errors import Corrupt
from headway.base.files import write_text
from headway.base.reading import read_json_object
from headway.learn.workspace import workspace_around

SHIPPED = Path(__file__).parent / "results"
"""``NAME.json`` and ``NAME.png`` of every claim, part of the package."""


def shipped(name: str) -> dict[str, Any] | None:
    """The result of claim `name` that came with Headway, or None where there is none."""
    path = SHIPPED / f"{name}.json"
    return read(path) if path.exists() else None


def picture(name: str) -> Path:
    """Where the picture that came with Headway lies."""
    return SHIPPED / f"{name}.png"


def home(start: Path | None = None) -> Path:
    """The folder that holds a learner's results: ``claims/`` of the workspace around `start`, else ``results/`` in it."""
    workspace = workspace_around(start)
    return workspace.root / "claims" if workspace else (start or Path.cwd()) / "results"


def yours(name: str, folder: Path | None = None) -> dict[str, Any] | None:
    """The learner's own result of claim `name`, or None; a file that cannot be read counts as none."""
    path = (folder or home()) / name / "result.json"
    try:
        return read(path)
    except (Corrupt, OSError):
        return None


def write(path: Path, content: dict[str, Any]) -> None:
    """Write `content` as strict JSON, atomically. JSON has no infinity and no NaN; they are written as words."""
    text = json.dumps(_words(content), indent=1, ensure_ascii=False, allow_nan=False)
    # A curve on one line, not on a thousand.
    text = re.sub(r"\[\s+([-+.eE\d,\s]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text)
    write_text(path, text + "\n")


def read(path: Path) -> dict[str, Any]:
    """Read what `write` wrote. Raises Corrupt for anything else, and OSError where there is no file."""
    if not path.exists():
        raise FileNotFoundError(path)
    return _numbers(read_json_object(path, then="remove it and run the claim again"))


_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _words(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(key): _words(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_words(each) for each in value]
    return value


def _numbers(value: Any) -> Any:
    if isinstance(value, str):
        return _WORDS.get(value, value)
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return value

"""Only a line feed ends a line."""

from __future__ import annotations

from pathlib import Path

import pytest

import headway
from headway.base.lines import lines_of

OTHER_ENDS = "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\r\nb", ["a", "b"]),
        ("\n\n", ["", ""]),
        ("a\rb\n", ["a\rb"]),
        (OTHER_ENDS, [OTHER_ENDS]),
    ],
)
def test_lines(text: str, lines: list[str]) -> None:
    assert lines_of(text) == lines
    assert "".join(lines_of(text, keep_ends=True)) == text


def test_nothing_in_headway_splits_what_people_wrote_at_anything_else() -> None:
    """`splitlines` is for what the system says in ASCII."""
    allowed = {"claims/run.py", "cli/doctor.py", "cli/tour.py", "blocks/native.py"}
    root = Path(headway.__file__).parent
    for path in root.rglob("*.py"):
        name = path.relative_to(root).as_posix()
        if name not in allowed and not name.startswith("learn/judge/") and name != "base/lines.py":
            assert ".splitlines(" not in path.read_text(encoding="utf-8"), name

"""What the README says is so: its lessons are those there are, and its Python runs as it stands."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from headway.base.sources import SOURCES, state
from headway.learn.exercise import exercises
from headway.learn.path import the_path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def lessons() -> list[str]:
    """The rows of the README's table of lessons, from the path."""
    rows = []
    for topic in the_path().topics.values():
        if topic.lesson_file:
            asked = sum(exercise.topic == topic.id for exercise in exercises().values())
            claims = ", ".join(f"`{name}`" for name in topic.claims)
            rows.append(f"| `headway read {topic.id}` | {topic.title} | {asked} | {claims} |")
    return rows


def test_the_lessons_are_those_there_are():
    assert [
        line for line in README.split("\n") if line.startswith("| `headway read ") and "attention` | open" not in line
    ] == lessons()
    written, all_topics = len(lessons()), len(the_path().topics)
    words = {10: "Ten"}.get(written, str(written))
    assert f"{words} of the {all_topics} topics" in " ".join(README.split())
    assert f"other {all_topics - written} are not written yet" in " ".join(README.split())


@pytest.mark.skipif(state(SOURCES["smollm2-135m"]) != "present", reason="`headway fetch smollm2-135m` first")
def test_the_python_runs_as_it_stands():
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code[1], "README.md", "exec"), {})
    assert "Paris" in said.getvalue()
    assert "animal" in said.getvalue().partition("blocks.")[2], "the picture of attention, printed"

"""docs/python.md does what it says: every block runs as it stands, and prints what stands below it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from headway.base.sources import SOURCES, state

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", GUIDE, flags=re.DOTALL)


def fetched(code: str) -> list[str]:
    """The names in a block whose models have to be fetched."""
    return [name for name in re.findall(r'zoo\.load\("([^"]+)"\)', code) if name in SOURCES]


def case(n: int, code: str, printed: str):
    missing = [name for name in fetched(code) if state(SOURCES[name]) != "present"]
    marks = [pytest.mark.weights] if fetched(code) else []
    if missing:
        marks.append(pytest.mark.skipif(True, reason=f"`headway fetch {' '.join(missing)}` first"))
    return pytest.param(code, printed, marks=marks, id=str(n))


@pytest.mark.parametrize(("code", "printed"), [case(n, *block) for n, block in enumerate(BLOCKS)])
def test_a_block_does_what_it_says(code, printed, capsys, tmp_path, monkeypatch):
    shutil.copyfile(ROOT / "tests" / "fixtures" / "espeak.wav", tmp_path / "speech.wav")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "docs/python.md", "exec"), {})
    out = capsys.readouterr().out
    assert out.strip()
    if printed:
        assert out == printed


def test_some_blocks_need_nothing_fetched_and_the_first_are_five_lines():
    assert len(BLOCKS) >= 6
    assert sum(not fetched(code) for code, _ in BLOCKS) >= 3
    assert len(BLOCKS[0][0].strip().splitlines()) <= 5

"""What a killed process leaves is cleared away later, and what may be a person's is never."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from headway.base import files
from headway.base.errors import HeadwayError
from headway.base.files import append_line, create_text, replace_if, write_text
from headway.base.lock import locked

OLD = time.time() - 2 * files.LEFT_BEHIND


@pytest.fixture(autouse=True)
def another_process(monkeypatch):
    """Every test begins as a process that has not looked around yet."""
    monkeypatch.setattr(files, "_swept", set())


def left(folder: Path, name: str, content: str, *, when: float = OLD) -> Path:
    path = folder / name
    path.write_text(content)
    os.utime(path, (when, when))
    return path


@pytest.mark.parametrize("write", [write_text, create_text, lambda path, text: replace_if(path, b"old", text.encode())])
def test_half_a_file_of_a_killed_process_is_cleared_away_with_the_next_write(tmp_path, write) -> None:
    (tmp_path / "PLAN.md").write_text("old")
    gone = left(tmp_path, ".PLAN.md.ab12_xyz.part", "half")
    of_another = left(tmp_path, ".notes.md.ab12_xyz.part", "half")
    fresh = left(tmp_path, ".PLAN.md.cd34_xyz.part", "under way", when=time.time())
    download = left(tmp_path, ".model-1.0-py3-none-any.whl.part", "to be taken up")
    theirs = [left(tmp_path, name, "x") for name in (".PLAN.md.swp", "PLAN.md.part", ".part", "a.ab12_xyz.part")]
    write(tmp_path / "PLAN.md", "new")
    assert not gone.exists()
    assert not of_another.exists()
    assert all(path.exists() for path in (fresh, download, *theirs))


def test_a_persons_edit_that_a_kill_left_in_the_exchange_becomes_visible(tmp_path) -> None:
    plan = tmp_path / "PLAN.md"
    plan.write_text("ticked")
    edited = left(tmp_path, ".PLAN.md.ab12_xyz.swap", "what was saved a moment before")
    same = left(tmp_path, ".PLAN.md.cd34_xyz.swap", "ticked")
    write_text(tmp_path / "other.md", "x")
    assert not edited.exists()
    assert not same.exists()
    assert (tmp_path / "PLAN.md.ab12_xyz.bak").read_text() == "what was saved a moment before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["PLAN.md", "PLAN.md.ab12_xyz.bak", "other.md"]


def test_nothing_is_left_of_writes_that_end(tmp_path) -> None:
    write_text(tmp_path / "a", "1")
    assert replace_if(tmp_path / "a", b"1", b"2")
    assert not replace_if(tmp_path / "a", b"1", b"3")
    assert create_text(tmp_path / "b", "x")
    append_line(tmp_path / "c", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_what_the_system_refuses_names_the_file(tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError) as caught:  # noqa: PT011, its name is what is asked for
        write_text(tmp_path / "folder", "x")
    assert "folder" in str(caught.value)


def test_a_lock_that_another_holds(tmp_path) -> None:
    told = []
    lock = tmp_path / "lock"
    with locked(lock), pytest.raises(HeadwayError, match="it is busy"), locked(lock, busy="it is busy"):
        pass
    with locked(tmp_path / "lock", busy="it is busy"):
        told.append("free")
    with locked(tmp_path / "no" / "folder" / "lock", busy="it is busy"):
        told.append("without")
    assert told == ["free", "without"]

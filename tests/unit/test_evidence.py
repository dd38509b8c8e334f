"""The evidence log: appended to, never rewritten; what cannot be read is passed over and left where it is."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import headway
from headway.base.errors import HeadwayError
from headway.learn.evidence import read, record
from headway.learn.workspace import Workspace, create, find_workspace

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_names = st.text(max_size=12)
_junk = st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")) | st.sampled_from(
    [
        b'{"time": "2026-11-24T06:17:29.177Z", "kind": "exer',
        b"[]",
        b"null",
        b'{"time": 3, "kind": "exercise", "name": "a"}',
        b'{"time": "yesterday", "kind": "exercise", "name": "a"}',
        b'{"time": "2026-11-24T06:17:29", "kind": "exercise", "name": "a"}',
        b'{"time": "2026-11-24T06:17:29Z", "kind": "exercise", "name": "a", "facts": []}',
        b"[" * 3000,
    ]
)


@given(
    st.lists(
        st.tuples(_names, _names, st.dictionaries(st.from_regex(r"[a-z]{1,5}_", fullmatch=True), _json, max_size=3)),
        max_size=5,
    ),
    st.data(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_recorded_is_read_whatever_lies_between(
    tmp_path_factory: pytest.TempPathFactory, rows, data: st.DataObject
) -> None:
    workspace = create(tmp_path_factory.mktemp("w"))
    for kind, name, facts in rows:
        if junk := data.draw(st.none() | _junk):
            torn = data.draw(st.booleans())
            with open(workspace.log, "ab") as file:
                file.write(junk + (b"" if torn else b"\n"))
        before = workspace.log.read_bytes() if workspace.log.exists() else b""
        record(workspace, kind=kind, name=name, result="passed", **facts)
        assert workspace.log.read_bytes().startswith(before)
    found = [(e.kind, e.name, e.facts) for e in read(workspace) if e.version == headway.__version__]
    assert found == [(kind, name, facts) for kind, name, facts in rows]


def test_a_record_says_when_and_by_which_version(tmp_path: Path) -> None:
    workspace = create(tmp_path)
    record(workspace, kind="exercise", name="attention/rope", result="passed", seed=3, file=tmp_path)
    row = json.loads(workspace.log.read_text())
    assert row["headway"] == headway.__version__
    assert abs((datetime.fromisoformat(row["time"]) - datetime.now(UTC)).total_seconds()) < 60
    assert row["time"].endswith("Z")
    assert row["facts"] == {"seed": 3, "file": str(tmp_path)}


def test_without_a_log_there_is_no_evidence(tmp_path: Path) -> None:
    assert read(Workspace(tmp_path)) == []


def test_killed_while_writing_every_whole_line_counts(tmp_path: Path) -> None:
    workspace = create(tmp_path)
    loop = textwrap.dedent(f"""
        from pathlib import Path
        from headway.learn.evidence import record
        from headway.learn.workspace import Workspace
        print("ready", flush=True)
        n = 0
        while True:
            record(Workspace(Path({str(tmp_path)!r})), kind="exercise", name="n" * 5000, result=str(n))
            n += 1
    """)
    dice = random.Random(3)
    lines = 0
    for _ in range(5):
        child = subprocess.Popen([sys.executable, "-c", loop], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(dice.uniform(0.005, 0.05))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        found = read(workspace)
        assert len(found) >= lines
        assert all(e.name == "n" * 5000 for e in found)
        lines = len(found)
    # What a crash leaves at the end spoils only itself.
    with open(workspace.log, "ab") as file:
        file.write(b'{"time": "2026-')
    record(workspace, kind="lesson", name="after")
    assert [e.name for e in read(workspace)][lines:] == ["after"]


# -- finding the workspace -----------------------------------------------------------------------------------------------


def test_a_workspace_is_found_from_within_and_from_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWAY_WORKSPACE", raising=False)
    home = create(tmp_path / "my-transformers")
    deep = home.exercises / "attention"
    deep.mkdir()
    for place in (home.root, deep, tmp_path):
        monkeypatch.chdir(place)
        assert find_workspace().root == home.root
        assert find_workspace(place).root == home.root
    other = create(tmp_path / "other")
    monkeypatch.setenv("HEADWAY_WORKSPACE", str(other.root))
    assert find_workspace().root == other.root
    assert find_workspace(deep).root == home.root


def test_no_workspace_is_one_line_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWAY_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HeadwayError, match="run `headway start`"):
        find_workspace()
    monkeypatch.setenv("HEADWAY_WORKSPACE", str(tmp_path / "none"))
    with pytest.raises(HeadwayError, match="HEADWAY_WORKSPACE names"):
        find_workspace()


def test_making_a_workspace_touches_nothing_and_refuses_files(tmp_path: Path) -> None:
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "mine.py").write_text("x")
    create(tmp_path)
    create(tmp_path)
    assert (tmp_path / "exercises" / "mine.py").read_text() == "x"
    assert sorted(os.listdir(tmp_path)) == [".headway", "exercises", "papers", "runs"]
    (tmp_path / "file").write_text("")
    with pytest.raises(HeadwayError, match="is a file"):
        create(tmp_path / "file")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "runs").write_text("")
    with pytest.raises(HeadwayError, match="needs a folder"):
        create(tmp_path / "w")

"""What cannot be written: one line that is true, exit code 2, and nothing half changed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headway.learn import progress as progress_module
from headway.learn.evidence import read
from headway.learn.progress import sync
from headway.learn.workspace import Workspace, create

PLAN = "- [ ] Zotero\n- [x] Read two surveys of transformers\n"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch) -> Workspace:
    made = create(tmp_path / "w")
    made.plan.write_text(PLAN)
    monkeypatch.setenv("HEADWAY_WORKSPACE", str(made.root))
    return made


def closed_log(workspace: Workspace) -> None:
    """A log that nobody may add to, root included: a folder lies in its place."""
    workspace.log.unlink(missing_ok=True)
    workspace.log.mkdir()


@pytest.mark.parametrize("command", ["tick", "untick"])
def test_a_log_that_cannot_be_written_leaves_the_plan_as_it_was(say, workspace, command) -> None:
    closed_log(workspace)
    code, out, err = say(command, "1" if command == "tick" else "2")
    assert (code, out) == (2, "")
    assert "log.jsonl" in " ".join(err.split())
    assert workspace.plan.read_text() == PLAN


def test_a_log_that_fails_in_between_is_told_as_it_is(say, workspace, monkeypatch) -> None:
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(progress_module, "record", full)
    code, out, err = say("tick", "1")
    assert (code, out) == (2, "")
    assert "is changed as you asked, but" in " ".join(err.split())
    assert workspace.plan.read_text() == PLAN.replace("[ ]", "[x]")


def test_nothing_is_ticked_that_could_not_be_recorded(workspace, monkeypatch) -> None:
    changed = []
    monkeypatch.setattr(progress_module, "mark", lambda *arguments: changed.append(arguments))
    monkeypatch.setattr(progress_module, "read", lambda workspace: [])
    closed_log(workspace)
    assert sync(workspace) == []
    assert changed == []


def test_a_plan_that_cannot_be_written_leaves_the_log_as_it_was(say, workspace) -> None:
    before = read(workspace)
    workspace.plan.unlink()
    workspace.plan.mkdir()
    code, out, err = say("tick", "1")
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert read(workspace) == before


def headway(*words: str, shell: str = "", **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "headway", *words]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", [("plan",), ("--help",), ("--version",)])
def test_output_onto_a_full_disk_is_one_line(workspace, words) -> None:
    done = headway(*words, shell=">/dev/full")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize("shell", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_output_that_is_closed_is_no_error(workspace, shell) -> None:
    before = workspace.log.read_bytes() if workspace.log.exists() else b""
    for words in (("plan",), ("next",), ("--help",)):
        done = headway(*words, shell=shell)
        assert done.returncode == 0, done.stderr
        assert "failed" not in done.stdout + done.stderr
    refused = headway("no-such-command", shell=shell)
    assert refused.returncode == 2
    assert workspace.plan.read_text() == PLAN
    assert (workspace.log.read_bytes() if workspace.log.exists() else b"") == before, "nothing was printed into a file"


@pytest.mark.parametrize("words", [("plan",), ("--help",), ("models",)])
def test_a_reader_that_has_gone_is_no_error(workspace, words) -> None:
    ends, ours = os.pipe()
    os.close(ends)
    done = subprocess.run(
        [sys.executable, "-m", "headway", *words],
        stdout=ours,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(ours)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_that_is_gone_is_said(tmp_path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = ["sh", "-c", f'cd "{gone}" && rmdir "{gone}" && exec "$@"', "sh", sys.executable, "-m", "headway", "plan"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 2
    assert done.stderr == "error: the folder you are in is gone: `cd` to another one.\n"


@pytest.mark.parametrize("left", [0, 100_000])
def test_an_export_onto_a_full_disk_is_one_line_and_leaves_nothing_half(say, tmp_path, left) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small file system")
    try:
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        (disk / "ballast").write_bytes(bytes(max(0, free - left)))
        code, out, err = say("export", "numbers-gru", disk / "model")
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert "No space left on device" in err
        assert "free some room" in err
        assert [path.name for path in (disk / "model").glob("*") if path.name != "config.json"] == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)

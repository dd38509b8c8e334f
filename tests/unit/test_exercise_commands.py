"""check, hint, reset, solution, judge audit and watch, as a learner types them."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.terminal import Terminal

from headway.base.errors import HeadwayError
from headway.cli.app import main
from headway.learn.evidence import read, record
from headway.learn.exercise import exercises, find_exercise
from headway.learn.judge import Judge
from headway.learn.plug import command_for
from headway.learn.workspace import Workspace, create

SDPA = find_exercise("attention/sdpa")


@pytest.fixture(scope="module")
def warm() -> Iterator[Judge]:
    with Judge() as judge:
        yield judge


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: Judge) -> Workspace:
    """A workspace, current, with a judge that is warm already."""

    class Shared:
        def __enter__(self) -> Judge:
            return warm

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("headway.learn.judge.Judge", Shared)
    monkeypatch.delenv("HEADWAY_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    made = create(tmp_path / "mine")
    (made.plan).write_text("- [ ] attention\n")
    monkeypatch.chdir(made.root)
    return made


def answer(workspace: Workspace, style: str | None = None, source: str = "") -> Path:
    file = workspace.exercise_file(SDPA.id)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SDPA.styles[style] if style else source)
    return file


WRONG = SDPA.styles["matmul"].replace("scores.softmax(dim=-1)", "scores.softmax(dim=-2)")


def test_check_puts_the_stub_there_and_says_that_it_is_not_written(workspace: Workspace, capsys):
    assert main(["check", "sdpa"]) == 1
    assert workspace.exercise_file(SDPA.id).read_bytes() == SDPA.task.read_bytes()
    assert "not written yet" in capsys.readouterr().out
    assert [e.result for e in read(workspace)] == ["unfinished"]


def test_check_names_the_mistake_in_its_first_line_and_keeps_it(workspace: Workspace, capsys):
    answer(workspace, source=WRONG)
    assert main(["check", "sdpa", "--seed", "7"]) == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert "attention/sdpa" in first
    assert "The softmax runs over the" in first
    assert read(workspace)[-1].facts["mistakes"] == ["softmax_over_queries"]
    assert read(workspace)[-1].facts["seed"] == 7
    assert main(["check", "sdpa", "--seed", "7", "-v"]) == 1
    assert "expected" in capsys.readouterr().out


def test_check_passes_ticks_and_leads_on(workspace: Workspace, capsys):
    answer(workspace, "einsum")
    assert main(["check", "exercises/attention/sdpa.py"]) == 0
    out = capsys.readouterr().out
    assert "right on" in out
    assert "next: headway check" in out
    assert read(workspace)[-1].result == "passed"


def test_a_pass_names_the_real_model_that_calls_it_and_next_offers_it_until_it_was_run(workspace: Workspace, capsys):
    answer(workspace, "einsum")
    assert main(["check", "sdpa"]) == 0
    out = capsys.readouterr().out
    command = command_for(SDPA.id)
    assert f"a real model calls this: run it on yours  {command}" in out
    assert "headway solution attention/sdpa" in out
    assert "is done" not in out, "there are more exercises"
    main(["next"])
    out = capsys.readouterr().out
    assert f"a real model runs on your attention/sdpa  {command}" in out
    assert not out.rstrip().endswith(command), "it is offered besides the next step"
    record(workspace, kind="run", name="smollm2-135m", result="used", exercise=SDPA.id)
    main(["next"])
    assert command not in capsys.readouterr().out


def test_a_pass_is_a_pass_where_the_plan_is_gone(workspace: Workspace, capsys):
    answer(workspace, "einsum")
    workspace.plan.unlink()
    assert main(["check", "sdpa"]) == 0
    out, err = capsys.readouterr()
    assert "right on" in out
    assert "a real model calls this" in out
    assert "headway start" in err
    assert err.count("\n") == 1


def test_a_pass_without_a_place_in_a_model_names_none(workspace: Workspace, capsys):
    exercise = find_exercise("tensors/einsum")
    workspace.exercise_file(exercise.id).parent.mkdir(parents=True, exist_ok=True)
    workspace.exercise_file(exercise.id).write_text(next(iter(exercise.styles.values())))
    assert main(["check", exercise.id]) == 0
    assert "real model" not in capsys.readouterr().out


def test_the_last_pass_of_a_topic_says_what_the_topic_still_has(workspace: Workspace, capsys):
    for name in exercises():
        if name.startswith("attention/") and name != SDPA.id:
            record(workspace, kind="exercise", name=name, result="passed")
    record(workspace, kind="exercise", name=SDPA.id, result="mistake")
    record(workspace, kind="claim", name="scale", result="reproduced")
    answer(workspace, "einsum")
    assert main(["check", "sdpa"]) == 0
    out = capsys.readouterr().out
    assert "Attention is done: 6 of 6 exercises. What it still has:" in out
    for what, command in (
        ("its lesson", "headway read attention"),
        ("2 claims to reproduce", "headway reproduce sinusoid-shift"),
        ("2 papers to note", "headway papers note transformer"),
        ("what went wrong comes back", "headway review"),
    ):
        assert re.search(rf"{what} +{command}\n", out), what
    assert main(["next", "attention"]) == 0
    out = capsys.readouterr().out
    assert "Attention is done: attention 6/6. What it still has:" in out
    assert "headway reproduce sinusoid-shift" in out


def test_check_of_another_file_records_nothing(workspace: Workspace, tmp_path: Path, capsys):
    other = tmp_path / "other.py"
    other.write_text(SDPA.styles["loop"])
    assert main(["check", "sdpa", "--file", str(other)]) == 0
    assert "right on" in capsys.readouterr().out
    assert read(workspace) == []


def test_check_as_json(workspace: Workspace, capsys):
    answer(workspace, source=WRONG)
    assert main(["check", "sdpa", "--json"]) == 1
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["status"] == "mistake"
    assert verdict["names"] == ["softmax_over_queries"]


def test_check_all_judges_what_was_begun(workspace: Workspace, capsys):
    answer(workspace, "fused")
    assert main(["check", "--all"]) == 0
    assert f"1 of 1 right; {len(exercises()) - 1} not begun" in capsys.readouterr().out


def test_check_list(workspace: Workspace, capsys):
    assert main(["check", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in exercises())
    assert f"0 of {len(exercises())} passed" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["check", "sdpb"], "Did you mean"),
        (["check", "nothing.py"], "there is no file"),
        (["check", "--file", "x.py"], "say which exercise"),
        (["check", "sdpa", "--file", "x.py"], "there is no file x.py"),
        (["check", "sdpa", "--all"], "leave the name out"),
        (["solution", "sdpa"], "has not passed yet"),
        (["solution", "sdpa", "--give-up", "--style", "haiku"], "only matmul"),
        (["hint", "sdpa", "--again"], "no hint"),
        (["reset", "nothing"], "there is no exercise"),
        (["judge", "audit", "nothing"], "there is no exercise"),
    ],
)
def test_what_a_person_gets_wrong_is_one_line(words: list[str], told: str, workspace: Workspace, capsys):
    assert main(words) == 2
    err = capsys.readouterr().err
    assert told in err
    assert len(err.strip().splitlines()) == 1


def test_without_a_workspace_the_line_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADWAY_WORKSPACE", raising=False)
    for words in (["check"], ["check", "sdpa"], ["hint", "sdpa"], ["watch"], ["reset", "sdpa"]):
        assert main(words) == 2
        assert "headway start" in capsys.readouterr().err


def test_hints_come_one_by_one_and_are_recorded(workspace: Workspace, capsys):
    count = len(SDPA.hints)
    for n in range(1, count + 3):
        assert main(["hint", "sdpa"]) == 0
        assert f"hint {min(n, count)} of {count}" in capsys.readouterr().out
    assert [e.result for e in read(workspace) if e.kind == "hint"] == [str(n) for n in range(1, count + 1)]
    assert main(["hint", "sdpa", "--again"]) == 0
    assert capsys.readouterr().out.count("hint") >= count


def test_reset_keeps_what_was_written(workspace: Workspace, capsys):
    file = answer(workspace, source="mine = 1\n")
    assert main(["reset", "sdpa"]) == 0
    assert file.read_bytes() == SDPA.task.read_bytes()
    (kept,) = file.parent.glob("*.bak")
    assert kept.read_text() == "mine = 1\n"
    assert main(["reset", "sdpa"]) == 0
    assert "the stub already" in capsys.readouterr().out
    assert len(list(file.parent.glob("*.bak"))) == 1


def test_solutions_are_shown_after_a_pass_or_when_giving_up(workspace: Workspace, capsys):
    assert main(["solution", "sdpa", "--give-up"]) == 0
    out = capsys.readouterr().out
    assert all(f"# -- {style}" in out for style in SDPA.styles)
    assert [e.result for e in read(workspace)] == ["gave-up"]
    assert main(["solution", "sdpa", "--style", "einsum"]) == 0
    assert capsys.readouterr().out.count("# -- ") == 1
    assert len(read(workspace)) == 1


def test_a_shown_solution_is_a_whole_file_that_passes(warm: Judge, tmp_path: Path):
    path = tmp_path / "shown.py"
    path.write_text(find_exercise("multihead").styles["list_of_heads"])
    assert warm.check(find_exercise("multihead"), path).passed


def test_a_verdict_is_given_where_nothing_can_be_written(workspace: Workspace, capsys, monkeypatch: pytest.MonkeyPatch):
    """As on a read-only disk: that it is not recorded is said, and why."""
    answer(workspace, "matmul")
    before = workspace.plan.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(workspace.log))

    monkeypatch.setattr("headway.learn.evidence.append_lines", refuse)
    assert main(["check", "sdpa"]) == 0
    shown = capsys.readouterr()
    assert "right on" in shown.out
    assert "not recorded" in shown.err
    assert workspace.plan.read_bytes() == before


def test_audit_says_how_many_are_proved(workspace: Workspace, capsys):
    assert main(["judge", "audit", "windows"]) == 0
    assert f"1 of 1 exercise proved ({len(exercises())} exercises in all)" in capsys.readouterr().out


def test_audit_of_one_exercise(workspace: Workspace, capsys):
    assert main(["judge", "audit", "windows", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    (row,) = report["exercises"]
    assert row["mistakes"] == row["rejected"] == row["named"] >= 10
    assert row["refused"] == 0
    assert report["gaps"] == []


def test_audit_finds_gaps(warm: Judge, tmp_path: Path):
    """An exercise whose mistake is right, whose solution is wrong and whose stub returns something."""
    from headway.learn.exercise import Exercise
    from headway.learn.judge.audit import audit

    folder = tmp_path / "toy" / "twice"
    folder.mkdir(parents=True)
    (folder / "task.py").write_text('"""Twice."""\ndef twice(x):\n    return x\n')
    (folder / "hints.md").write_text("no hints\n")
    (folder / "solutions.py").write_text("def twice__plus(x):\n    return x + x + 1\n")
    (folder / "cases.py").write_text(
        "from headway.learn.cases import Call, case\nENTRIES = ('twice',)\nSIZES = {'n': (1, 3)}\n"
        "def twice(x):\n    return 2 * x\n@case('any')\ndef any_case(d):\n    return Call('twice', x=d.normal('n'))\n"
    )
    (folder / "mistakes.py").write_text(
        "from headway.learn.cases import mistake\n@mistake('none')\ndef right(x):\n    return x * 2\n"
        "@mistake('a')\ndef same(x):\n    return x\n@mistake('b')\ndef same_again(x):\n    return 1 * x\n"
    )
    found = audit(Exercise("toy/twice", folder), warm)
    told = "\n".join(found.gaps)
    for words in (
        "the stub is judged",
        "solution plus is rejected",
        "mistake right is passed",
        "same_again is called same",
    ):
        assert words in told
    for words in ("0 hints", "1 solutions", "3 mistakes"):
        assert words in told


# -- finding exercises ---------------------------------------------------------------------------------------------------


def test_exercises_are_found_by_id_name_and_path(tmp_path: Path):
    assert find_exercise("sdpa") == find_exercise("attention/sdpa") == find_exercise("exercises/attention/sdpa.py")
    assert find_exercise(str(SDPA.task)) == SDPA
    with pytest.raises(HeadwayError, match="Did you mean"):
        find_exercise("sdap")


def test_discovery_imports_no_torch():
    code = "import sys; from headway.learn.exercise import exercises; exercises(); print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


def test_the_attention_exercises_come_in_order():
    mine = [name for name in exercises() if name.startswith("attention/")]
    assert mine[:3] == ["attention/sdpa", "attention/multihead", "attention/rope"]


# -- watch ---------------------------------------------------------------------------------------------------------------


def test_watch_judges_on_save_and_obeys_its_keys(tmp_path: Path):
    workspace = create(tmp_path / "mine")
    with Terminal("watch", "sdpa", cwd=workspace.root, TERM="xterm") as terminal:
        terminal.until("not written yet")
        answer(workspace, source=WRONG)
        terminal.until("The softmax runs over the")
        answer(workspace, source=SDPA.styles["matmul"] + "\nwhile True: pass\n")
        terminal.until("still running")
        # As editors save: another file, renamed over it.
        (tmp_path / "new.py").write_text(SDPA.styles["matmul"])
        os.replace(tmp_path / "new.py", workspace.exercise_file(SDPA.id))
        terminal.until("right on")
        terminal.until("a real model calls this")
        terminal.until("--with exercises/attention/sdpa.py")
        terminal.until("n goes to the next exercise")
        for key, words in (("h", "hint 1 of"), ("l", "<- here"), ("r", "right on"), ("n", "not written yet")):
            terminal.type(key)
            terminal.until(words)
        terminal.type("q")
        assert terminal.close() == 0
    results = [e.result for e in read(workspace) if e.kind == "exercise"]
    assert results[:4] == ["unfinished", "mistake", "timeout", "passed"]


def test_watch_works_without_a_terminal(tmp_path: Path):
    """Keys may come from a pipe; without file events r is enough."""
    workspace = create(tmp_path / "mine")
    answer(workspace, source=WRONG)
    with subprocess.Popen(
        [sys.executable, "-m", "headway", "watch", "sdpa"],
        cwd=workspace.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert "The softmax runs over" in process.stdout.readline()
        process.stdin.write("r\n")
        process.stdin.flush()
        while "softmax" not in (line := process.stdout.readline()):
            assert line
        process.stdin.write("q\n")
        process.stdin.flush()
        process.stdout.read()
        assert process.wait(timeout=30) == 0

"""Progress: the rules stated at the top of headway/learn/progress.py, on a small course of the test's own."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.learn import progress as module
from headway.learn import steps
from headway.learn.evidence import read, record
from headway.learn.exercise import Exercise
from headway.learn.plan import read as read_plan
from headway.learn.plug import command_for
from headway.learn.progress import BY_HAND, BY_HEADWAY, GAVE_UP, TESTED_OUT, Progress, remember, sync, tick, used
from headway.learn.steps import hardest, next_step, own_model, step_in
from headway.learn.workspace import Workspace, create

COURSE = ["tensors/shapes", "attention/sdpa", "attention/multihead", "attention/rope", "retnet/chunk"]


@pytest.fixture
def course(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> dict[str, Exercise]:
    """Five exercises in three topics; no lessons."""
    root = tmp_path_factory.mktemp("course")
    found = {}
    for id in COURSE:
        folder = root / id
        folder.mkdir(parents=True)
        (folder / "task.py").write_text(f'"""The exercise {id}."""\n')
        (folder / "cases.py").write_text("ORDER = 1\n")
        found[id] = Exercise(id, folder)
    monkeypatch.setattr(module, "exercises", lambda: found)
    monkeypatch.setattr("headway.learn.path.COURSE", root)
    return found


def workspace_with(folder: Path, plan: str) -> Workspace:
    workspace = create(folder)
    workspace.plan.write_text(plan)
    return workspace


def passes(workspace: Workspace, *names: str) -> None:
    for name in names:
        record(workspace, kind="exercise", name=name, result="passed", seed=1)


def boxes(workspace: Workspace) -> str:
    return "".join(item.mark for item in read_plan(workspace.plan).tasks)


@pytest.mark.usefixtures("course")
def test_a_line_is_ticked_once_all_its_topics_are_done(tmp_path: Path) -> None:
    workspace = workspace_with(
        tmp_path, "- [ ] attention\n- [ ] RetNet and attention\n- [ ] Buy milk\n- [ ] vision transformer\n"
    )
    passes(workspace, "attention/sdpa", "attention/rope")
    record(workspace, kind="exercise", name="attention/multihead", result="wrong")
    assert sync(workspace) == []
    passes(workspace, "attention/multihead")
    record(workspace, kind="exercise", name="attention/multihead", result="wrong")
    assert [item.text for item in sync(workspace)] == ["attention"]
    assert boxes(workspace) == "x   "
    passes(workspace, "retnet/chunk")
    assert [item.text for item in sync(workspace)] == ["RetNet and attention"]
    assert sync(workspace) == []
    found = Progress(workspace)
    assert [line.by for line in found.lines] == [BY_HEADWAY, BY_HEADWAY, None, None]
    state = found.topics["attention"].exercises
    assert [each.tries for each in state if each.exercise.name == "multihead"] == [1]
    assert not found.topics["vit"].done  # nothing to check yet is not done


@pytest.mark.usefixtures("course")
def test_what_stands_above_is_ticked_with_what_stands_beneath(tmp_path: Path) -> None:
    workspace = workspace_with(
        tmp_path,
        "- [ ] Be advanced\n  - [ ] a week\n    - [ ] attention\n    - [x] milk\n    - [ ]\n- [ ] By hand\n  - [x] milk\n",
    )
    assert sync(workspace) == []
    passes(workspace, "attention/sdpa", "attention/multihead", "attention/rope")
    assert [item.text for item in sync(workspace)] == ["Be advanced", "a week", "attention"]
    assert boxes(workspace) == "xxxx  x"


@pytest.mark.usefixtures("course")
def test_what_was_unticked_by_hand_stays_so(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "- [ ] retention\n- [ ] RetNet again\n- [-] retention, cancelled\n")
    passes(workspace, "retnet/chunk")
    sync(workspace)
    assert boxes(workspace) == "xx-"
    tick(workspace, [read_plan(workspace.plan).items[0]], on=False)  # by command
    workspace.plan.write_text(
        workspace.plan.read_text().replace("[x] RetNet again", "[ ] RetNet again")
    )  # in an editor
    assert sync(workspace) == []
    assert boxes(workspace) == "  -"
    assert [line.unticked for line in Progress(workspace).lines] == [True, True, False]
    tick(workspace, [read_plan(workspace.plan).items[0]])
    assert Progress(workspace).lines[0].by == BY_HAND


@pytest.mark.usefixtures("course")
def test_a_tick_by_hand_is_shown_as_such_and_never_taken(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "* [X] attention\n* [x] milk\n")
    before = workspace.plan.read_bytes()
    sync(workspace)
    assert workspace.plan.read_bytes() == before
    assert [line.by for line in Progress(workspace).lines] == [BY_HAND, BY_HAND]
    item = read_plan(workspace.plan).items[0]
    tick(workspace, [item], on=False)
    tick(workspace, [item])
    assert workspace.plan.read_bytes() == before  # the capital too


@pytest.mark.usefixtures("course")
def test_a_line_that_moved_or_whose_surroundings_changed_is_still_the_same(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "- [ ] retention\n- [ ] milk\n")
    passes(workspace, "retnet/chunk")
    sync(workspace)
    workspace.plan.write_text("# Mine\n\n1. [ ] milk\n   - [x] retention\n")
    assert {line.item.text: line.by for line in Progress(workspace).lines} == {
        "Mine": None,
        "milk": None,
        "retention": BY_HEADWAY,
    }


@pytest.mark.usefixtures("course")
def test_topics_without_exercises_count_papers_and_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = workspace_with(tmp_path, "- [ ] surveys\n- [ ] zotero\n- [ ] using models\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADWAY_WORKSPACE", raising=False)
    record(workspace, kind="paper", name="survey-lin", result="noted")
    record(workspace, kind="paper", name="survey-lin", result="noted")
    record(workspace, kind="run", name="20261124-gpt", result="finished")
    used("smollm2-135m")
    used("smollm2-135m")
    assert sync(workspace) == []
    assert Progress(workspace).topics["surveys"].counts == {"papers": (1, 2)}
    assert Progress(workspace).topics["using-models"].counts == {"models": (1, 2)}
    record(workspace, kind="paper", name="survey-efficient", result="noted")
    record(workspace, kind="paper", name="mamba", result="noted")
    used("gpt2")
    assert [item.text for item in sync(workspace)] == ["surveys", "zotero", "using models"]


@pytest.mark.usefixtures("course")
def test_tested_out_is_done_and_skipped_is_not(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "- [ ] attention\n- [ ] retention\n")
    record(workspace, kind="skip", name="retnet", result="skipped")
    record(workspace, kind="skip", name="attention", result=TESTED_OUT)
    assert [item.text for item in sync(workspace)] == ["attention"]
    topics = Progress(workspace).topics
    assert topics["retnet"].skipped
    assert not topics["retnet"].done
    record(workspace, kind="skip", name="retnet", result="unskipped")
    assert not Progress(workspace).topics["retnet"].skipped


@pytest.mark.usefixtures("course")
def test_a_solution_shown_before_the_pass_is_remembered(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "- [ ] retention\n")
    record(workspace, kind="exercise", name="retnet/chunk", result=GAVE_UP)
    passes(workspace, "retnet/chunk", "tensors/shapes")
    record(workspace, kind="exercise", name="tensors/shapes", result=GAVE_UP)
    topics = Progress(workspace).topics
    assert topics["retnet"].done
    assert topics["retnet"].exercises[0].shown
    assert not topics["tensors"].exercises[0].shown


@pytest.mark.usefixtures("course")
def test_a_plan_that_cannot_be_read_or_written_is_left_for_the_next_time(tmp_path: Path, monkeypatch) -> None:
    workspace = workspace_with(tmp_path, "")
    passes(workspace, "retnet/chunk")
    assert sync(workspace) == []
    workspace.plan.unlink()
    assert sync(workspace) == []
    workspace.plan.write_text("- [ ] retention\n")
    monkeypatch.setattr("headway.learn.plan.os.access", lambda *_: False)
    assert sync(workspace) == []
    assert workspace.plan.read_text() == "- [ ] retention\n"
    monkeypatch.undo()


_pieces = st.lists(
    st.tuples(st.sampled_from(["exercise", "exercise", "skip"]), st.sampled_from([*COURSE, "attention", "retnet"]),
              st.sampled_from(["passed", "passed", "wrong", "gave-up", "tested-out", "skipped"])),
    max_size=10,
)  # fmt: skip
_plan_lines = st.lists(
    st.tuples(
        st.integers(0, 3), st.sampled_from(["[ ]", "[ ]", "[x]", "[X]", "[-]", ""]),
        st.sampled_from(["attention", "retention", "tensors", "milk", "", "read", "vision transformer"]),
    ),
    min_size=1, max_size=10,
)  # fmt: skip


@given(_plan_lines, _pieces, st.integers(0, 9), st.sampled_from(["\n", "\r\n", "\r"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_syncing_only_fills_empty_boxes_and_once_is_enough(
    course, tmp_path_factory: pytest.TempPathFactory, lines, pieces, unticked: int, end: str
) -> None:
    workspace = create(tmp_path_factory.mktemp("w"))
    text = "# Plan" + end + end.join(f"{'  ' * depth}- {box} {words}" for depth, box, words in lines)
    workspace.plan.write_bytes(text.encode())
    for kind, name, result in pieces:
        record(workspace, kind=kind, name=name, result=result)
    before = workspace.plan.read_bytes()
    ticked = sync(workspace)
    after = workspace.plan.read_bytes()
    changed = [n for n in range(len(before)) if before[n] != after[n]]
    assert len(after) == len(before)
    assert changed == sorted(item.box for item in ticked)
    assert all(before[n] == 0x20 and after[n] in b"xX" for n in changed)
    assert sync(workspace) == []
    assert workspace.plan.read_bytes() == after
    for line in Progress(workspace).lines:
        if line.item.index in {item.index for item in ticked}:
            assert line.by == BY_HEADWAY
            assert line.earned
    if ticked:
        back = ticked[unticked % len(ticked)]
        tick(workspace, [back], on=False)
        assert back.key not in {item.key for item in sync(workspace)}


@pytest.mark.usefixtures("course")
def test_killed_while_ticking_nothing_is_lost_and_the_next_time_completes_it(tmp_path: Path) -> None:
    lines = [f"- [ ] attention {n}\r\n" for n in range(200)]
    workspace = workspace_with(tmp_path, "")
    workspace.plan.write_bytes("".join(lines).encode())
    for name in [f"attention/{n}" for n in ("sdpa", "multihead", "rope")]:
        record(workspace, kind="exercise", name=name, result="passed")
    record(workspace, kind="skip", name="attention", result=TESTED_OUT)
    whole = workspace.plan.read_bytes()
    done = whole.replace(b"[ ]", b"[x]")
    loop = f"""
        from pathlib import Path
        from headway.learn.progress import sync
        from headway.learn.workspace import Workspace
        print("ready", flush=True)
        sync(Workspace(Path({str(tmp_path)!r})))
    """
    dice = random.Random(11)
    for _ in range(6):
        child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(loop)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(dice.uniform(0.0, 0.12))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert workspace.plan.read_bytes() in (whole, done)
    sync(workspace)
    assert workspace.plan.read_bytes() == done


# -- the next step -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("course")
def test_the_next_step_follows_the_plan_and_names_what_it_builds_on(tmp_path: Path) -> None:
    workspace = workspace_with(
        tmp_path, "- [x] tensors\n- [ ] milk\n- [ ] vision transformer\n- [ ] retention\n- [ ] attention\n"
    )
    step = next_step(Progress(workspace))
    assert step is not None
    assert step.item is not None
    assert (step.item.line, step.command, step.before) == (4, "headway check retnet/chunk", ("tensors", "attention"))
    assert step.file == workspace.exercises / "retnet" / "chunk.py"
    record(workspace, kind="skip", name="retnet", result="skipped")
    record(workspace, kind="skip", name="tensors", result="skipped")
    step = next_step(Progress(workspace))
    assert step is not None
    assert (step.command, step.before) == ("headway check attention/sdpa", ())
    passes(workspace, "attention/sdpa")
    step = next_step(Progress(workspace))
    assert step is not None
    assert step.command == "headway check attention/multihead"
    assert "exercise 2 of 3" in step.what


@pytest.mark.usefixtures("course")
def test_beyond_the_plan_the_path_goes_on_and_ends(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "- [x] attention\n- [/] retention\n")
    step = next_step(Progress(workspace))
    assert step is not None
    assert step.item is None
    assert step.command == "headway chat"
    record(workspace, kind="run", name="a", result="used")
    record(workspace, kind="run", name="b", result="used")
    passes(workspace, *COURSE)
    step = next_step(Progress(workspace))
    assert step is not None
    assert step.command.startswith("headway reproduce ")
    for topic in Progress(workspace).topics.values():
        for claim in topic.topic.claims:
            record(workspace, kind="claim", name=claim, result="reproduced")
    for topic, paper in (("surveys", "survey-lin"), ("surveys", "survey-applications"), ("library", None)):
        step = next_step(Progress(workspace))
        assert step is not None
        assert step.topic.topic.id == topic
        key = step.command.removeprefix("headway papers note ")
        begun = [state.topic for state in Progress(workspace).topics.values() if state.began]
        assert key == (paper or next(key for topic in begun for key in topic.papers))
        record(workspace, kind="paper", name=key, result="noted")
    assert next_step(Progress(workspace)) is None
    record(workspace, kind="paper", name="survey-lin", result="emptied")
    assert Progress(workspace).topics["surveys"].counts == {"papers": (1, 2)}


@pytest.mark.usefixtures("course")
def test_start_anywhere(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "- [ ] tensors\n")
    found = Progress(workspace)
    step = step_in(found, found.topics["retnet"])
    assert step is not None
    assert step.command == "headway check retnet/chunk"
    assert step_in(found, found.topics["vit"]) is None
    assert [exercise.name for exercise in hardest(found.topics["attention"])] == ["multihead", "rope"]
    assert [exercise.name for exercise in hardest(found.topics["tensors"])] == ["shapes"]
    assert hardest(found.topics["vit"]) == []


def test_a_command_names_the_way_where_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWAY_WORKSPACE", raising=False)
    here, there = tmp_path / "here", create(tmp_path / "over there")
    create(here / "my-transformers")
    monkeypatch.chdir(here)
    assert steps.way_in(Workspace(here / "my-transformers")) is None
    assert steps.way_in(there) == f"cd '{there.root}'"
    monkeypatch.chdir(there.exercises)
    assert steps.way_in(there) is None


def test_a_verdict_becomes_evidence(tmp_path: Path) -> None:
    from headway.learn.judge import Verdict

    workspace = create(tmp_path)
    remember(workspace, Verdict("passed", "", seconds=1.234, exercise="a/b", seed=7))
    remember(workspace, Verdict("mistake", "no", names=("scale",), exercise="a/b", seed=8), "review")
    remember(workspace, Verdict("broken", "ours", exercise="a/b", seed=9))
    found = [(e.kind, e.name, e.result, e.facts) for e in read(workspace)]
    assert found == [
        ("exercise", "a/b", "passed", {"seed": 7, "seconds": 1.23}),
        ("review", "a/b", "mistake", {"seed": 8, "seconds": 0.0, "mistakes": ["scale"]}),
    ]


def test_a_run_on_ones_own_function_is_known_by_its_exercise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = create(tmp_path / "w")
    monkeypatch.setenv("HEADWAY_WORKSPACE", str(workspace.root))
    assert own_model(Progress(workspace)) is None
    passes(workspace, "attention/sdpa", "attention/rope", "tensors/einsum")
    offer = own_model(Progress(workspace))
    assert offer is not None
    assert offer.command in (command_for("attention/sdpa"), command_for("attention/rope"))
    used("smollm2-135m", workspace.exercise_file("attention/sdpa"))
    used("smollm2-135m", tmp_path / "mine.py")
    used("smollm2-135m")
    found = Progress(workspace)
    assert found.plugged == {"attention/sdpa"}
    offer = own_model(found)
    assert offer is not None
    assert offer.command == command_for("attention/rope")
    used("smollm2-135m", workspace.exercise_file("attention/rope"))
    assert own_model(Progress(workspace)) is None

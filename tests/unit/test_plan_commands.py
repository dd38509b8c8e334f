"""The learner's commands, typed as a person types them: start, plan, next, tick, untick, skip, test-out, review, doctor."""

from __future__ import annotations

import builtins
import hashlib
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headway.base import sources
from headway.cli import doctor
from headway.cli.app import main
from headway.learn.evidence import read, record
from headway.learn.exercise import exercises, find_exercise
from headway.learn.path import the_path
from headway.learn.plan import read as read_plan
from headway.learn.steps import RUNS
from headway.learn.workspace import Workspace
from headway.models.catalog import CATALOG
from headway.zoo import ZOO

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
MINE = ["start", "plan", "next", "tick", "untick", "skip", "test-out", "review", "doctor"]


@pytest.fixture(autouse=True)
def _a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWAY_WORKSPACE", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]):
    """Type a command; get its exit code and what it said on standard output and on standard error."""

    def type_it(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return type_it


def everything(folder: Path) -> dict[str, str]:
    """Every file below a folder, by its checksum."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def solve(workspace: Workspace, exercise: str) -> None:
    found = find_exercise(exercise)
    workspace.exercise_file(exercise).write_text(next(iter(found.styles.values())))


# -- start ---------------------------------------------------------------------------------------------------------------


def test_start_without_a_plan_takes_the_learners_and_ends_on_a_command(said, tmp_path: Path) -> None:
    code, out, _ = said("start")
    home = tmp_path / "my-transformers"
    assert code == 0
    assert (home / "PLAN.md").read_bytes() == (FIXTURES / "learner-plan.md").read_bytes()
    for exercise in exercises().values():
        assert (home / "exercises" / exercise.topic / f"{exercise.name}.py").read_bytes() == exercise.task.read_bytes()
    assert out.rstrip().splitlines()[-1].strip().startswith("headway ")
    assert "24 " in out


def test_start_again_changes_nothing_and_adds_what_is_missing(said, tmp_path: Path) -> None:
    said("start")
    home = tmp_path / "my-transformers"
    first = next(iter(exercises().values()))
    mine = home / "exercises" / first.topic / f"{first.name}.py"
    mine.write_text("my own\n")
    (home / "PLAN.md").write_bytes((FIXTURES / "windows-plan.md").read_bytes())
    (home / "papers" / "note.md").write_text("mine")
    before = everything(home)
    assert said("start")[0] == 0
    assert said("start", str(FIXTURES / "obsidian-note.md"))[2].count("stays") == 1
    assert everything(home) == before
    other = list(exercises().values())[-1]
    gone = home / "exercises" / other.topic / f"{other.name}.py"
    gone.unlink()
    said("start", "--into", str(home))
    assert everything(home) == before


def test_an_untouched_stub_is_renewed_and_a_touched_one_is_not(said, tmp_path: Path) -> None:
    said("start", "--quiet")
    home = tmp_path / "my-transformers"
    one, other = list(exercises().values())[:2]
    sums = json.loads((home / ".headway" / "stubs.json").read_text())
    for exercise in (one, other):  # as if an earlier version had copied these
        file = home / "exercises" / exercise.topic / f"{exercise.name}.py"
        file.write_text("# an older stub\n")
        sums[exercise.id] = hashlib.sha256(file.read_bytes()).hexdigest()
    (home / ".headway" / "stubs.json").write_text(json.dumps(sums))
    touched = home / "exercises" / other.topic / f"{other.name}.py"
    touched.write_text("# an older stub\nmine = 1\n")
    assert "1 that you had not touched renewed" in said("start", "--quiet")[1]
    assert (home / "exercises" / one.topic / f"{one.name}.py").read_bytes() == one.task.read_bytes()
    assert touched.read_text() == "# an older stub\nmine = 1\n"


@pytest.mark.parametrize("name", ["learner-plan", "github-roadmap", "windows-plan", "obsidian-note"])
def test_four_peoples_plans_are_taken_as_they_are(said, tmp_path: Path, name: str) -> None:
    code, out, err = said("start", str(FIXTURES / f"{name}.md"), "--into", "there")
    assert (code, err) == (0, "")
    plan = tmp_path / "there" / "PLAN.md"
    original = (FIXTURES / f"{name}.md").read_bytes()
    assert plan.read_bytes() == original
    assert "cd " in out
    os.chdir(tmp_path / "there")
    for line in (part for part in json.loads(json.dumps(_open_lines(plan)))):
        assert said("tick", str(line))[0] == 0
        assert said("untick", str(line))[0] == 0
    assert plan.read_bytes() == original
    for words in (["plan"], ["plan", "match"], ["next"], ["plan", str(_open_lines(plan)[0])]):
        assert said(*words)[0] in (0, 1)


def _open_lines(plan: Path) -> list[int]:
    return [item.line for item in read_plan(plan).tasks if item.mark == " "]


@pytest.mark.parametrize("what", ["folder", "nothing", "binary", "empty", "prose", "utf-16", "device"])
def test_what_is_no_plan_is_one_line_and_leaves_nothing_behind(said, tmp_path: Path, what: str) -> None:
    path = tmp_path / "plan.md"
    contents = {"binary": b"\x7fELF\0\0", "empty": b"", "prose": b"Dear diary", "utf-16": "- [ ] a".encode("utf-16")}
    if what == "folder":
        path.mkdir()
    elif what == "device":
        path = Path(os.devnull)
    elif what in contents:
        path.write_bytes(contents[what])
    code, out, err = said("start", str(path))
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "my-transformers").exists()


def test_a_plan_without_boxes_is_shown_and_never_written(said, tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text("# Ideas\n\n- attention\n- retention\n")
    code, out, _ = said("start", "plan.md")
    assert code == 0
    assert "no boxes" in out
    code, out, err = said("tick", "3")
    assert code == 2
    assert "has no box" in err
    assert "retnet" in said("plan")[1]
    assert (tmp_path / "my-transformers" / "PLAN.md").read_text() == "# Ideas\n\n- attention\n- retention\n"


def test_a_plan_of_headings_only(said, tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text("Plan\n====\n\n## Attention\n\nSoon.\n\n## Mamba\n")
    assert said("start", "plan.md")[0] == 0
    out = said("plan", "match")[1]
    assert "attention" in out
    assert "mamba" in out


def test_into_a_file_is_one_line(said, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = said("start", "--into", "file")
    assert code == 2
    assert "is a file" in err


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_killed_at_any_moment_start_can_be_run_again(tmp_path: Path) -> None:
    home, mine = tmp_path / "w", FIXTURES / "obsidian-note.md"
    command = [sys.executable, "-c", "import sys; from headway.cli.app import main; sys.exit(main(sys.argv[1:]))"]
    command += ["start", str(mine), "--into", str(home), "--quiet"]
    dice = random.Random(2)
    for _ in range(5):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.12, 0.3))
        child.send_signal(signal.SIGKILL)
        child.wait()
        if (home / "PLAN.md").exists():
            assert (home / "PLAN.md").read_bytes() == mine.read_bytes()
        for exercise in exercises().values():
            file = home / "exercises" / exercise.topic / f"{exercise.name}.py"
            if file.exists():
                assert file.read_bytes() == exercise.task.read_bytes()
    assert main(command[3:]) == 0
    assert (home / "PLAN.md").read_bytes() == mine.read_bytes()
    assert len(list(home.glob("exercises/*/*.py"))) == len(exercises())


# -- plan, tick, match, next, skip ---------------------------------------------------------------------------------------


def test_the_plan_shows_what_is_behind_a_tick(said, tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("- [ ] Self-attention\n- [ ] milk\n- [x] bread\n")
    said("start", "p.md")
    workspace = Workspace(tmp_path / "my-transformers")
    names = [exercise.id for exercise in exercises().values() if exercise.topic == "attention"]
    for name in names:
        record(workspace, kind="exercise", name=name, result="passed")
    out = said("plan")[1]
    assert "now ticked" in out
    assert f"attention: lesson, {len(names)}/{len(names)} exercises, 0/3 claims, 0/2 papers" in out
    assert workspace.plan.read_text() == "- [x] Self-attention\n- [ ] milk\n- [x] bread\n"
    assert "1 ticked by Headway, 1 by hand" in said("plan")[1]
    detail = said("plan", "1")[1]
    assert all(name in detail for name in names)
    assert "ticked by Headway" in detail
    assert "Attention" in said("plan", "self attention")[1]
    assert said("plan", "attention")[1].startswith("Attention")


def test_matching_is_seen_and_corrected(said, tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("- [ ] Retention\n- [ ] milk\n")
    said("start", "p.md")
    code, out, _ = said("plan", "match")
    assert code == 0
    assert out.splitlines()[0].split("\t") == ["1", "Retention", "retnet", "“retention”"]
    assert "yours" in out.splitlines()[1]
    assert "lora, quantisation (set by you)" in said("plan", "match", "milk", "LoRA", "quantization")[1]
    assert "no topic" in said("plan", "match", "1", "--none")[1]
    out = said("plan", "match")[1]
    assert [row.split("\t")[2] for row in out.splitlines()] == ["yours", "lora, quantisation"]
    assert "retnet" in said("plan", "match", "1", "--reset")[1]
    for words in (["1", "nonsense"], ["9"], ["1", "lora", "--none"], ["--none"]):
        code, _, err = said("plan", "match", *words)
        assert code == 2
        assert err.startswith("error: ")


def test_skip_and_next(said, tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("- [ ] Self-attention\n")
    said("start", "p.md")
    assert "attention" in said("next")[1]
    assert "skipped" in said("skip", "attention")[1]
    assert "headway read attention" not in said("next")[1]
    assert "attention skipped" in said("plan")[1]
    said("skip", "attention", "--undo")
    assert "beyond the plan" not in said("next")[1]
    code, _, err = said("skip", "atention")
    assert code == 2
    assert "Did you mean 'attention'?" in err


def test_ticking_words_that_are_in_several_lines_asks_which(said, tmp_path: Path) -> None:
    (tmp_path / "p.md").write_bytes(b"- [ ] Zotero\r\n- [ ] Zotero\r\n- [ ] arXiv")
    said("start", "p.md")
    plan = tmp_path / "my-transformers" / "PLAN.md"
    code, _, err = said("tick", "zotero")
    assert code == 2
    assert "say which number" in err
    assert said("tick", "2", "arxiv")[0] == 0
    assert plan.read_bytes() == b"- [ ] Zotero\r\n- [x] Zotero\r\n- [x] arXiv"
    assert "already" in said("tick", "2")[1]
    assert [e.kind for e in read(Workspace(plan.parent))] == ["tick", "tick"]


def test_an_emptied_plan_is_one_line(said, tmp_path: Path) -> None:
    said("start", "--quiet")
    plan = tmp_path / "my-transformers" / "PLAN.md"
    plan.write_text("")
    for command in (["plan"], ["next"], ["tick", "3"], ["start"]):
        code, _, err = said(*command)
        assert code == 2
        assert "is empty" in err
    plan.unlink()
    for command in (["plan"], ["next"], ["tick", "3"], ["untick", "3"], ["plan", "match"], ["skip", "bert"]):
        code, _, err = said(*command)
        assert (code, err.count("\n")) == (2, 1), command
        assert "there is no PLAN.md" in err
        assert "`headway start` puts a plan there" in err
    assert said("start", "--quiet")[0] == 0
    assert plan.exists()


def test_without_a_workspace_every_command_says_so(said) -> None:
    for command in (
        ["plan"],
        ["plan", "match"],
        ["next"],
        ["tick", "1"],
        ["untick", "1"],
        ["skip", "bert"],
        ["test-out", "bert"],
        ["review"],
    ):
        code, out, err = said(*command)
        assert (code, out) == (2, "")
        assert "run `headway start`" in err


def write_note(workspace: Workspace, key: str) -> None:
    (workspace.papers / f"{key}.md").write_text(" ".join(f"word{chr(97 + n)}" for n in range(25)))


def test_a_line_that_is_a_paper_is_ticked_by_the_note_on_it(said, tmp_path: Path) -> None:
    address = "https://www.sciencedirect.com/science/article/pii/S2666651022000146"
    (tmp_path / "p.md").write_text(
        f"- [ ] {address}\n- [ ] implement {address}\n- [ ] surveys\n- [ ] Efficient Transformers: A Survey\n"
        "- [ ] Attention Is All You Need\n"
    )
    said("start", "p.md", "--quiet")
    workspace = Workspace(tmp_path / "my-transformers")
    assert "survey-lin 0/1 notes" in said("plan")[1]
    assert "headway papers note survey-lin" in said("next")[1]
    for key in ("survey-lin", "transformer"):
        write_note(workspace, key)
    assert "Headway ticked line 1" in said("next")[1]
    assert [item.mark for item in read_plan(workspace.plan).tasks] == ["x", " ", " ", " ", " "], (
        "exercises are not replaced by a note"
    )
    write_note(workspace, "survey-efficient")
    said("plan")
    assert [item.mark for item in read_plan(workspace.plan).tasks] == ["x", "x", "x", "x", " "]


def test_what_headway_does_not_see_is_yours_to_tick(said, tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("- [ ] Use base transformers using API\n- [ ] using models\n")
    said("start", "p.md", "--quiet")
    workspace = Workspace(tmp_path / "my-transformers")
    record(workspace, kind="lesson", name="using-models", result="opened")
    assert "headway chat" in said("next")[1]
    record(workspace, kind="run", name="smollm2-135m", result="used")
    out = said("next")[1]
    assert "model 2 of 2" in out
    assert "headway run shakespeare-char" in out
    record(workspace, kind="run", name="shakespeare-char", result="used")
    assert "Headway ticked line 2" in said("next")[1]
    assert [item.mark for item in read_plan(workspace.plan).tasks] == [" ", "x"]
    assert "yours to tick: headway tick 1" in said("plan", "1")[1]
    assert "yours to tick" in said("plan")[1]


def test_with_all_that_is_written_skipped_next_leads_to_the_open_lines(said, tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("- [ ] Self-attention\n- [ ] Gemma\n- [ ] milk\n")
    said("start", "p.md", "--quiet")
    workspace = Workspace(tmp_path / "my-transformers")
    for topic in the_path().topics:
        if topic != "gemma":
            record(workspace, kind="skip", name=topic, result="skipped")
    out = said("next")[1]
    assert "line 2: Gemma" in out
    assert "headway papers note gemma" in out
    write_note(workspace, "gemma")
    out = said("next")[1]
    assert "headway models gemma" in out
    assert out.rstrip().endswith("headway tick 2")
    assert "headway tick 2" in said("next", "gemma")[1]
    said("tick", "2")
    out = said("next")[1]
    assert "line 1: Self-attention" in out
    assert "you skipped Attention" in out
    assert "headway skip attention --undo" in out
    assert out.rstrip().endswith("headway tick 1")
    said("tick", "1")
    out = said("next")[1]
    assert "line 3: milk" in out
    assert "headway plan match 3 TOPIC" in out
    assert out.rstrip().endswith("headway tick 3")
    said("untick", "2")
    assert said("next")[1].rstrip().endswith("headway tick 3"), "what was unticked by hand comes last"
    said("tick", "3")
    out = said("next")[1]
    assert "you took its tick away" in out
    assert out.rstrip().endswith("headway tick 2")
    said("tick", "2")
    out = said("next")[1]
    assert "Every line of your plan is ticked" in out
    assert "skipped: using-models, tensors," in out
    assert "headway reproduce gradient-check" in out
    assert "headway papers" in out


def test_as_long_as_a_line_is_open_next_ends_on_a_command_for_a_line(said, tmp_path: Path) -> None:
    """Whatever was done, skipped, noted or ticked before: until the last box is ticked, following `next` leads on."""
    source = FIXTURES / "learner-plan.md"
    said("start", str(source), "--quiet")
    workspace = Workspace(tmp_path / "my-transformers")
    for name in exercises():
        record(workspace, kind="exercise", name=name, result="passed")
    for topic in the_path().topics.values():
        if topic.lesson_file is not None:
            record(workspace, kind="lesson", name=topic.id, result="opened")
    done = 0
    for _ in range(200):
        out = said("next")[1]
        if "Every line of your plan is ticked" in out:
            break
        command = out.rstrip().splitlines()[-1].split()
        assert re.search(r"(?m)^Next  (.+   )?line \d+: ", out), "it serves a line of the plan"
        assert command[0] == "headway"
        if command[1] == "tick":
            said("tick", command[2])
        elif command[1:3] == ["papers", "note"]:
            write_note(workspace, command[3])
        elif command[1] in ("chat", "run"):
            record(workspace, kind="run", name=command[2] if len(command) > 2 else "smollm2-135m", result="used")
        else:
            pytest.fail(f"nothing here can do {command}")
        done += 1
    assert "Every line of your plan is ticked" in out, f"{done} steps, and no end"
    assert not [item for item in read_plan(workspace.plan).tasks if not item.ticked and not item.empty]


def test_of_a_line_about_two_topics_each_is_read_before_it_is_ticked(said, tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("- [ ] BERT, GPT paper\n")
    said("start", "p.md", "--quiet")
    workspace = Workspace(tmp_path / "my-transformers")
    out = said("next")[1]
    assert "there for it: 3 models, 0/3 papers" in out
    assert "headway run minilm-l6" in out
    assert 'headway look minilm-l6 "a cat"' in out
    assert "headway diff transformer bert" in out
    assert out.rstrip().endswith("headway papers note bert")
    write_note(workspace, "bert")
    assert said("next")[1].rstrip().endswith("headway papers note gpt2")
    write_note(workspace, "gpt2")
    out = said("next")[1]
    assert "headway papers --topic bert" in out
    assert "headway papers --topic gpt" in out
    assert out.rstrip().endswith("headway tick 1")


def test_after_one_model_of_two_next_stays_with_the_line(said, tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text(
        "- [ ] Play with various transformer models, use base transformers using API\n- [ ] GPT\n"
    )
    said("start", "p.md", "--quiet")
    workspace = Workspace(tmp_path / "my-transformers")
    assert said("next")[1].rstrip().endswith("headway chat")
    record(workspace, kind="run", name="smollm2-135m", result="used")
    out = said("next")[1]
    assert "line 1: " in out
    assert "model 2 of 2" in out
    assert "there for it: 1/2 models used, 0/2 papers" in out
    record(workspace, kind="run", name="shakespeare-char", result="used")
    assert "line 2: GPT" in said("next")[1]
    write_note(workspace, "gpt2")
    said("tick", "2")
    out = said("next")[1]
    assert "Headway does not see this done" in out
    assert out.rstrip().endswith("headway tick 1")


def test_a_topic_that_no_line_names_shows_what_is_left_in_it(said, tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("- [ ] milk\n")
    said("start", "p.md", "--quiet")
    workspace = Workspace(tmp_path / "my-transformers")
    code, out, _ = said("next", "llama")
    assert (code, out.rstrip().splitlines()[-1].strip()) == (0, "headway papers note llama")
    write_note(workspace, "llama")
    code, out, _ = said("next", "llama")
    assert code == 0
    assert "13 papers to note" in out
    assert "headway papers note llama2" in out
    assert "headway diff gpt2 llama" in out


def test_runs_that_are_offered_are_of_models_that_are_there() -> None:
    assert set(RUNS) <= set(CATALOG)
    for architecture, command in RUNS.items():
        words = shlex.split(command)
        assert words[:2] == ["headway", "run"]
        way, _, what = ZOO[words[2]].partition(":")
        assert (what if way == "house" else "llama" if "smollm" in what else "bert") == architecture


def test_a_topic_says_what_is_there_and_what_is_not(said, tmp_path: Path) -> None:
    said("start", "--quiet")
    out = said("plan", "llama")[1]
    for part in (
        "no lesson, exercise or claim yet",
        "headway models llama",
        "headway diff gpt2 llama",
        "headway papers --topic llama",
        'headway run smollm2-135m "Why is the sky blue?"',
        'headway look smollm2-135m "Why is the sky blue?"',
    ):
        assert part in out, part
    told = said("plan")[1]
    assert "llama: 5 models, 0/14 papers; gemma: 1 model, 0/6 papers; yours to tick" in told
    assert "layer-norm: lesson, 0/3 exercises, 0/3 claims, 0/7 papers" in told
    out = said("plan", "attention")[1]
    assert "yet" not in out
    assert "headway reproduce scale" in out


def test_a_plan_of_thousands_of_lines_is_shown_in_seconds(said, tmp_path: Path) -> None:
    text = "".join(f"{'#' * (n % 4 + 1)} Part {n}\n- [ ] attention {n}\n- [ ] milk {n}\n" for n in range(700))
    (tmp_path / "p.md").write_text(text)
    start = time.process_time()
    for command in (["start", "p.md"], ["plan"], ["next"], ["plan", "match"], ["tick", "milk 699"]):
        assert said(*command)[0] == 0, command
    assert time.process_time() - start < 120
    (tmp_path / "p.md").write_text(text * 5)
    code, out, err = said("start", "p.md", "--into", "other")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "more than 10000 lines" in err


# -- test-out and review -------------------------------------------------------------------------------------------------


def test_testing_out(said, tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("- [ ] Self-attention\n")
    said("start", "p.md", "--quiet")
    workspace = Workspace(tmp_path / "my-transformers")
    code, out, _ = said("test-out", "attention")
    assert code == 1
    assert "rope.py" in out
    assert "headway test-out attention" in out
    solve(workspace, "attention/multihead")
    solve(workspace, "attention/rope")
    right = workspace.exercise_file("attention/rope").read_text()
    workspace.exercise_file("attention/rope").write_text(right + "\n\ndef rotate(x, cos, sin):\n    return x\n")
    assert said("test-out", "attention")[0] == 1
    assert workspace.plan.read_text() == "- [ ] Self-attention\n"
    workspace.exercise_file("attention/rope").write_text(right)
    code, out, _ = said("test-out", "attention")
    assert code == 0
    assert "passed before" in out
    assert workspace.plan.read_text() == "- [x] Self-attention\n"
    assert "is done" in said("test-out", "attention")[1]
    assert "no exercises yet" in said("test-out", "library")[2]


def test_a_shown_solution_cannot_test_out(said, tmp_path: Path) -> None:
    said("start", "--quiet")
    record(Workspace(tmp_path / "my-transformers"), kind="exercise", name="attention/rope", result="gave-up")
    code, _, err = said("test-out", "attention")
    assert code == 2
    assert "was shown to you" in err


def test_a_hint_cannot_test_out_either(said, tmp_path: Path) -> None:
    said("start", "--quiet")
    workspace = Workspace(tmp_path / "my-transformers")
    assert "without a hint" in said("test-out", "attention")[1]
    record(workspace, kind="hint", name="attention/rope", result="1")
    code, _, err = said("test-out", "attention")
    assert code == 2
    assert "a hint for attention/rope was shown to you" in err
    for name in ("attention/multihead", "attention/rope"):
        record(workspace, kind="exercise", name=name, result="passed")
    assert said("test-out", "attention")[0] == 2, "the hint came before the pass"


def test_a_hint_after_the_pass_takes_nothing_away(said, tmp_path: Path) -> None:
    said("start", "--quiet")
    workspace = Workspace(tmp_path / "my-transformers")
    for name in ("attention/multihead", "attention/rope"):
        record(workspace, kind="exercise", name=name, result="passed")
        record(workspace, kind="hint", name=name, result="1")
    assert said("test-out", "attention")[0] == 0


def test_questions_come_back_until_they_are_answered(said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from headway.learn.recall import questions

    said("start", "--quiet")
    asked = questions("attention")
    answers = iter(["", "nonsense", *["1000000"] * 50])
    monkeypatch.setattr(builtins, "input", lambda prompt="": next(answers))
    assert said("review", "attention")[0] == 0
    wrong = [e for e in read(Workspace(tmp_path / "my-transformers")) if e.kind == "recall"]
    assert {e.result for e in wrong} == {"wrong"}
    assert wrong
    out = said("review")[1]
    assert "comes back tomorrow" in out
    assert wrong[0].name in said("review", "--list")[1]
    monkeypatch.setattr("headway.learn.review.EARLY", __import__("datetime").timedelta(days=3))
    right = {question.ask: question.answer for question in asked}
    monkeypatch.setattr(builtins, "input", lambda prompt="": next(iter(right.values())))
    said("review")
    assert [e for e in read(Workspace(tmp_path / "my-transformers")) if e.kind == "recall"][len(wrong) :]


def test_an_exercise_is_written_again_and_nothing_written_is_lost(
    said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said("start", "--quiet")
    workspace = Workspace(tmp_path / "my-transformers")
    assert "was not passed yet" in said("review", "rope")[2]
    record(workspace, kind="exercise", name="attention/rope", result="mistake", mistakes=["sign"])
    record(workspace, kind="exercise", name="attention/rope", result="passed")
    monkeypatch.setattr("headway.learn.review.EARLY", __import__("datetime").timedelta(days=3))
    code, out, _ = said("review")
    again = workspace.root / "review" / "attention" / "rope.py"
    assert code == 0
    assert "sign" in out
    assert again.read_bytes() == find_exercise("attention/rope").task.read_bytes()
    again.write_text("import torch\n\n\ndef rotary_angles(positions, width, base=10000.0):\n    return 1\n")
    assert said("review", "rope")[0] == 1
    solution = next(iter(find_exercise("attention/rope").styles.values()))
    again.write_text(solution)
    code, out, _ = said("review", "rope")
    assert code == 0
    assert "comes back" in out
    kept = list(again.parent.glob("rope.*.py"))
    assert [file.read_text() for file in kept] == [solution]
    assert not again.exists()


# -- doctor, and what all of them share ----------------------------------------------------------------------------------


def test_doctor_says_what_is_missing_and_exits_one(said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWAY_CACHE", str(tmp_path / "cache"))
    code, out, _ = said("doctor")
    assert code == 1
    assert "headway fetch smollm2-135m" in out
    assert "torch" in out
    monkeypatch.setattr(sources, "state", lambda source, thorough=False: "present")
    said("start", "--quiet")
    code, out, _ = said("doctor")
    assert code == 0, out
    assert "nothing is missing" in out
    with open(tmp_path / "my-transformers" / ".headway" / "log.jsonl", "a") as file:
        file.write("torn\n")
    assert "1 cannot be read" in said("doctor")[1]
    (tmp_path / "my-transformers" / "PLAN.md").write_text("")
    code, out, _ = said("doctor")
    assert code == 1
    assert "is empty" in out


def test_doctor_tells_a_cuda_build_by_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ImportError('never imported')")
    version = tmp_path / "torch" / "version.py"
    monkeypatch.setattr(
        doctor, "find_spec", lambda name: type("S", (), {"origin": str(tmp_path / "torch" / "__init__.py")})
    )
    version.write_text("from typing import Optional\n__version__ = '2.13.0+cu130'\ncuda: Optional[str] = '13.0'\n")
    assert doctor.torch_build() == ("2.13.0+cu130", "13.0")
    version.write_text("__version__ = '2.13.0+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n")
    assert doctor.torch_build() == ("2.13.0+cpu", None)
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    assert doctor.torch_build() == (None, None)


def test_help_and_the_plan_itself_import_no_torch(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom headway.cli.app import main\n"
        f"for name in {MINE!r}:\n    assert main([name, '--help']) == 0\n"
        "assert main(['start', '--quiet']) == 0\nassert main(['plan']) == 0\nassert main(['next']) == 0\nmain(['doctor'])\n"
        "slow = [name for name in ('torch', 'marimo', 'matplotlib', 'numpy') if name in sys.modules]\nassert not slow, slow\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

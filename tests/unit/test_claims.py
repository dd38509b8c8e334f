"""Claims: the verdict from numbers, units that survive interruption, fingerprints, and what every claim has to have."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headway
from headway.base.errors import Corrupt, HeadwayError
from headway.base.paper import Name, Paper
from headway.claims import catalog, code, shelf
from headway.claims import run as running
from headway.claims.base import Arm, Check, Citation, Claim, needed, outcome, verdict
from headway.cli import app as cli
from headway.cli.reproduce import parse_seeds

NAMES = list(catalog.CATALOG)
QUICK = [name for name in NAMES if catalog.CATALOG[name].minutes <= 0.1]


# --- The verdict ----------------------------------------------------------------------------------------------------


def made_up(*, effect: float = 0.2, contrary: float | None = 0.0, exact: bool = False) -> Claim:
    """The effect is `x` >= 0.2, the control `c` <= 0.1."""
    return Claim(
        name="made-up",
        papers=(Citation(paper=Paper(key="k", title="t", authors=(Name("A"),), year=2000, arxiv="0000.00000")),),
        statement="s",
        experiment="e",
        control="c",
        statistic="s",
        limits="l",
        arms=(Arm(name="main", text=""), Arm(name="other", text="", control=True)),
        checks=(
            Check(
                text="x", value=lambda seed: seed["main"]["x"], at_least=effect, contrary=None if exact else contrary,
                exact=exact,
            ),
            Check(text="c", value=lambda seed: seed["other"]["c"], at_most=0.1, control=True),
        ),
        unit=lambda arm, seed: {"x": 1.0, "c": 0.0},
        draw=lambda figure, seeds: None,
        minutes=0.1,
    )  # fmt: skip


def results(effects: list[float], controls: list[float] | None = None) -> dict:
    controls = [0.0] * len(effects) if controls is None else controls
    return {
        seed: {"main": {"x": x}, "other": {"c": c}}
        for seed, (x, c) in enumerate(zip(effects, controls, strict=True))
    }  # fmt: skip


@pytest.mark.parametrize(
    ("effects", "controls", "word"),
    [
        ([0.3] * 5, [0.0] * 5, "reproduced"),
        ([0.2] * 5, [0.1] * 5, "reproduced"),  # the thresholds themselves belong to the claim
        ([0.3] * 4 + [0.19], [0.0] * 5, "not at this scale"),  # one of five is within chance
        ([0.3] * 7 + [0.19], [0.0] * 8, "reproduced"),  # one of eight is not
        ([0.3] * 8 + [0.1] * 2, [0.0] * 10, "not at this scale"),
        ([0.1] * 5, [0.0] * 5, "not at this scale"),  # between threshold and contrary: neither
        ([-0.1] * 5, [0.0] * 5, "contradicted"),
        ([0.0] * 5, [0.0] * 5, "contradicted"),
        ([-0.1] * 4 + [0.01], [0.0] * 5, "not at this scale"),
        ([0.3] * 5, [0.2] * 5, "not at this scale"),  # the control failed: nothing follows
        ([-0.1] * 5, [0.2] * 5, "not at this scale"),
        ([0.3] * 5, [0.0] * 4 + [0.2], "not at this scale"),
        ([0.3] * 4, [0.0] * 4, "undecided"),
        ([-0.3], [0.0], "undecided"),
        ([0.3] * 4 + [math.nan], [0.0] * 5, "not at this scale"),
        ([math.nan] * 5, [0.0] * 5, "not at this scale"),
        ([math.inf] * 5, [-math.inf] * 5, "reproduced"),
        ([-math.inf] * 5, [0.0] * 5, "contradicted"),
    ],
)
def test_verdict(effects, controls, word):
    found = verdict(made_up(), results(effects, controls))
    assert found.word == word
    assert found.reason


def test_one_exception_refutes_what_is_exact():
    claim = made_up(exact=True)
    assert verdict(claim, results([0.3] * 5)).word == "reproduced"
    assert verdict(claim, results([0.3] * 9 + [0.19])).word == "contradicted"


def test_a_failed_control_is_named_as_the_reason():
    assert "control" in verdict(made_up(), results([0.3] * 5, [0.2] * 5)).reason


@given(st.integers(0, 400))
def test_the_sign_rule_is_the_binomial_tail(n):
    k = needed(n)
    if n < 5:
        assert k is None
        return
    tail = lambda heads: sum(math.comb(n, i) for i in range(heads, n + 1)) / 2**n  # noqa: E731
    assert tail(k) <= 0.05 < tail(k - 1)


@given(st.lists(st.floats(-1, 1), min_size=5, max_size=12), st.randoms())
def test_the_verdict_does_not_depend_on_the_order_of_seeds(effects, random):
    rows = list(results(effects).items())
    before = verdict(made_up(), dict(rows)).word
    random.shuffle(rows)
    assert verdict(made_up(), dict(rows)).word == before


@given(st.lists(st.floats(-1, 1), min_size=5, max_size=12), st.integers(0, 11), st.floats(0, 1))
def test_a_stronger_effect_never_makes_the_verdict_worse(effects, at, more):
    order = ["contradicted", "not at this scale", "reproduced"]
    stronger = [x + more * (n == at % len(effects)) for n, x in enumerate(effects)]
    before, after = (order.index(verdict(made_up(), results(each)).word) for each in (effects, stronger))
    assert after >= before


@pytest.mark.parametrize(
    "wrong",
    [
        {"checks": (made_up().checks[0],)},  # no control
        {"checks": (made_up().checks[1],)},  # nothing but the control
        {"seeds": (0, 1, 2, 3)},
        {"seeds": (0, 0, 0, 0, 0)},
        {"arms": ()},
        {"arms": (Arm(name="a", text=""), Arm(name="a", text=""))},
        {"arms": (Arm(name="../a", text=""),)},
        {"name": "a/b"},
        {"papers": ()},
    ],
)
def test_a_claim_that_proves_nothing_cannot_be_made(wrong):
    with pytest.raises(ValueError, match=r".+"):
        replace(made_up(), **wrong)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"at_least": 1.0, "at_most": 2.0}, {"at_least": 1.0, "contrary": 1.5}, {"at_most": 1.0, "contrary": 0.5}],
)
def test_a_check_says_one_thing(wrong):
    with pytest.raises(ValueError, match="check"):
        Check(text="t", value=lambda seed: 0.0, **wrong)


# --- Running --------------------------------------------------------------------------------------------------------

COUNTED = """
import os, time
from pathlib import Path
import torch
from headway.base.paper import Name, Paper
from headway.claims.base import Arm, Check, Citation, Claim

FACTOR = 1.0

def unit(arm, seed):
    log = os.environ.get("UNIT_LOG")
    if log:
        with open(log, "a") as file:
            file.write(f"{arm} {seed}\\n")
        hold, until = int(os.environ.get("UNIT_HOLD", "999")), time.monotonic() + 60
        while begun(log) > hold and time.monotonic() < until:
            time.sleep(0.01)  # and wait to be stopped
    time.sleep(float(os.environ.get("UNIT_SLEEP", "0")))
    x = torch.randn(3).sum().item() * FACTOR + helper()
    return {"x": x, "curve": torch.rand(2).tolist(), "bad": float("nan")}

def helper():
    return 10.0

def begun(log):
    with open(log) as file:
        return len(file.readlines())

def draw(figure, seeds):
    figure.subplots().plot([seed["a"]["x"] for seed in seeds.values()])

CLAIM = Claim(
    name="counted", papers=(Citation(paper=Paper(key="k", title="t", authors=(Name("A"),), year=2000, arxiv="0000.00000")),),
    statement="A statement.", experiment="e", control="c", statistic="s", limits="l",
    arms=(Arm(name="a", text="the arm"), Arm(name="b", text="the control", control=True)),
    checks=(
        Check(text="x", value=lambda seed: seed["a"]["x"], at_least=0.0, contrary=-1.0),
        Check(text="c", value=lambda seed: seed["b"]["x"], at_least=0.0, control=True),
    ),
    unit=unit, draw=draw, minutes=0.1, settings={"factor": FACTOR},
)
"""

DRIVER = """
import sys, types
from pathlib import Path
folder, out, jobs = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
import headway.claims
headway.claims.__path__.append(str(folder))
from headway.claims import catalog
catalog.CATALOG["counted"] = catalog.ClaimEntry(title="t", paper="A 2000", topic="x", minutes=0.1)
from headway.claims import run
class Printed(run.ClaimReporter):
    def note(self, line): print("note:", line)
    def start(self, units, finished, left): print("start", units, finished, flush=True)
    def unit(self, unit, *rest): print("unit", unit.arm, unit.seed, flush=True)
run.reproduce(catalog.get("counted"), out, jobs=jobs, reporter=Printed())
"""


class Bench:
    """A claim of our own in a folder, run in a process of its own."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder, self.log = tmp_path / "claims", tmp_path / "units.log"
        self.folder.mkdir()
        self.write(COUNTED)
        self.driver = tmp_path / "driver.py"
        self.driver.write_text(textwrap.dedent(DRIVER))

    def write(self, source: str) -> None:
        (self.folder / "counted.py").write_text(source)

    def start(self, out: Path, *, sleep: float = 0.0) -> subprocess.Popen:
        environment = {**os.environ, "UNIT_LOG": str(self.log), "UNIT_SLEEP": str(sleep), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, str(self.driver), str(self.folder), str(out), "1"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, out: Path) -> str:
        process = self.start(out)
        text, _ = process.communicate(timeout=120)
        assert process.returncode == 0, text
        return text

    def ran(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def forget(self) -> None:
        self.log.unlink(missing_ok=True)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def figures(path: Path) -> dict:
    """What has to be the same whether a run was interrupted or not: all but clocks."""
    result = json.loads(path.read_text())
    clocks = ("cpu_seconds", "wall_seconds", "finished", "commit")
    kept = {key: value for key, value in result.items() if key not in clocks}
    kept["arms"] = {
        arm: {key: value for key, value in row.items() if key != "seconds"} for arm, row in kept["arms"].items()
    }
    return kept


def test_killed_and_resumed_is_the_same_as_never_killed(bench, tmp_path):
    bench.run(tmp_path / "whole")
    assert len(bench.ran()) == 10
    bench.forget()
    process = bench.start(tmp_path / "cut", sleep=0.2)
    deadline = time.monotonic() + 60
    while len(bench.ran()) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = bench.ran()
    kept = sorted(path.name for path in (tmp_path / "cut" / "units").glob("*.json"))
    assert len(kept) >= 3
    assert not (tmp_path / "cut" / "result.json").exists()
    bench.forget()
    text = bench.run(tmp_path / "cut")
    assert f"start 10 {len(kept)}" in text
    again = bench.ran()
    assert len(again) == 10 - len(kept)
    # Only the one that was under way when the kill came is run twice.
    assert len(set(again) & set(before)) <= 1
    assert figures(tmp_path / "cut" / "result.json") == figures(tmp_path / "whole" / "result.json")


SEVERAL = """
import sys
import headway.claims
headway.claims.__path__.append(sys.argv[1])
from headway.claims import catalog, run
catalog.CATALOG["counted"] = catalog.ClaimEntry(title="t", paper="A 2000", topic="x", minutes=0.1)
if __name__ == "__main__":
    from pathlib import Path
    run.reproduce(catalog.get("counted"), Path(sys.argv[2]), jobs=2)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_killed_with_several_jobs_it_leaves_no_process_behind(bench, tmp_path):
    """SIGKILL cannot be caught: the workers themselves have to notice that nobody waits for them any more."""
    script = tmp_path / "several.py"
    script.write_text(SEVERAL)
    environment = {**os.environ, "UNIT_LOG": str(bench.log), "UNIT_HOLD": "0", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script), str(bench.folder), str(tmp_path / "out")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 120
    while len(bench.ran()) < 2 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    workers = children(process.pid)
    assert len(workers) >= 2
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 30  # a unit that is not stopped waits for a minute
    while (alive := [pid for pid in workers if parent_of(pid) is not None]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive


def children(pid: int) -> list[int]:
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [other for other in found if parent_of(other) == pid]


def parent_of(pid: int) -> int | None:
    """The parent of a process that runs; None of one that has ended, whether or not somebody has looked at its end."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state in "ZX" else int(parent)


def in_here(monkeypatch, bench) -> Claim:
    """The bench's claim, imported into this process."""
    monkeypatch.setattr(headway.claims, "__path__", [*headway.claims.__path__, str(bench.folder)])
    monkeypatch.delitem(sys.modules, "headway.claims.counted", raising=False)
    monkeypatch.setitem(catalog.CATALOG, "counted", catalog.ClaimEntry(title="t", paper="A", topic="x", minutes=0.1))
    code._read.cache_clear()
    return catalog.get("counted")


class Notes(running.ClaimReporter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, line: str) -> None:
        self.notes.append(line)


def test_kept_units_count_while_the_code_is_the_same(bench, tmp_path, monkeypatch):
    """A changed constant makes them worthless, and one line says so; a comment does not. What is not a unit is run again."""
    monkeypatch.setenv("UNIT_LOG", str(bench.log))

    def again(source: str) -> tuple[list[str], int]:
        bench.write(source)
        bench.forget()
        reporter = Notes()
        running.reproduce(in_here(monkeypatch, bench), tmp_path / "out", reporter=reporter)
        return reporter.notes, len(bench.ran())

    assert again(COUNTED) == ([], 10)
    assert again(COUNTED) == ([], 0)
    assert again(COUNTED.replace("def helper():\n", "# a remark\ndef helper():\n    'Words.'\n")) == ([], 0)
    for old, new in (("FACTOR = 1.0", "FACTOR = 2.0"), ("return 10.0", "return 11.0")):
        notes, ran = again(COUNTED.replace(old, new))
        assert len(notes) == 1
        assert "10 kept units were made by an earlier version of the claim's code" in notes[0]
        assert ran == 10
    units = sorted((tmp_path / "out" / "units").glob("*.json"))
    units[0].write_text('{"numbers": ')
    units[1].write_text("[1, 2]")
    units[2].write_bytes(b"\xff\xfe")
    units[3].write_text('{"key": null, "numbers": {}, "seconds": "x"}')
    notes, ran = again(COUNTED.replace("return 10.0", "return 11.0"))
    assert "4 kept units cannot be read" in notes[0]
    assert ran == 4


def test_more_seeds_cost_only_the_new_ones(bench, tmp_path, monkeypatch):
    claim = in_here(monkeypatch, bench)
    monkeypatch.setenv("UNIT_LOG", str(bench.log))
    running.reproduce(claim, tmp_path / "out", seeds=(0, 1))
    bench.forget()
    result = running.reproduce(claim, tmp_path / "out", seeds=(1, 2))
    assert bench.ran() == ["a 2", "b 2"]
    assert result["seeds"] == [1, 2]
    assert result["verdict"] == "undecided"
    bench.forget()
    running.reproduce(claim, tmp_path / "out", seeds=(1, 2), fresh=True)
    assert len(bench.ran()) == 4


def test_a_unit_depends_on_its_seed_and_nothing_else(bench, monkeypatch):
    import torch

    claim = in_here(monkeypatch, bench)
    torch.manual_seed(1)
    first = running.run_unit(claim, "a", 3).numbers
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    threads = torch.get_num_threads()
    second = running.run_unit(claim, "a", 3).numbers
    assert first["x"] == second["x"]
    assert first["curve"] == second["curve"]
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads


@pytest.mark.slow
def test_two_processes_give_the_same_numbers(tmp_path):
    claim = catalog.get("layernorm-invariances")
    alone = running.reproduce(claim, tmp_path / "alone", seeds=(0, 1))
    both = running.reproduce(claim, tmp_path / "both", seeds=(0, 1), jobs=2)
    assert figures(tmp_path / "alone" / "result.json") == figures(tmp_path / "both" / "result.json")
    assert {arm: row["numbers"] for arm, row in alone["arms"].items()} == {
        arm: row["numbers"] for arm, row in both["arms"].items()
    }


def test_a_failing_unit_keeps_the_others(bench, tmp_path, monkeypatch):
    claim = in_here(monkeypatch, bench)

    def fails(arm, seed):
        if (arm, seed) == ("a", 1):
            raise RuntimeError("no")
        return claim.unit(arm, seed)

    fails.__module__ = claim.unit.__module__
    with pytest.raises(RuntimeError):
        running.reproduce(replace(claim, unit=fails), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out" / "units").iterdir()) == ["a.0.json", "b.0.json"]


@settings(max_examples=30, deadline=None)
@given(
    st.recursive(
        st.floats() | st.integers(-(2**53), 2**53) | st.text(max_size=5) | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=8,
    )
)
def test_numbers_survive_json(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "x.json"
    shelf.write(path, {"value": value})
    json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    words = {"NaN", "Infinity", "-Infinity"}
    if not any(word in repr(value) for word in words):
        assert repr(shelf.read(path)["value"]) == repr(value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"null", b"12"])
def test_a_corrupt_result_is_an_error_that_says_so(tmp_path, content):
    path = tmp_path / "name" / "result.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(Corrupt, match=r"result\.json"):
        shelf.read(path)
    assert shelf.yours("name", tmp_path) is None


# --- Every claim ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_says_what_the_catalogue_says(name):
    claim, entry = catalog.get(name), catalog.CATALOG[name]
    assert claim.name == name
    assert claim.minutes == entry.minutes <= 10
    assert claim.unit.__module__ == catalog.module_of(name)
    assert entry.paper == claim.papers[0].paper.short
    assert any(check.control for check in claim.checks)
    assert len(claim.seeds) >= 5
    assert claim.settings
    for text in (claim.statement, claim.experiment, claim.control, claim.statistic, claim.limits):
        assert len(text) > 30
    assert all(arm.text for arm in claim.arms)


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_result_is_of_this_code_and_decided_by_these_thresholds(name):
    claim, result = catalog.get(name), shelf.shipped(name)
    assert result is not None, f"no headway/claims/results/{name}.json"
    assert result["claim"] == name
    assert result["code"] == code.fingerprints(claim.unit.__module__)[0], "the claim's code has changed: run it again"
    for key, told in running.described(claim).items():
        if key == "arms":
            assert {arm: {part: row[part] for part in told[arm]} for arm, row in result[key].items()} == told
        else:
            assert result[key] == json.loads(json.dumps(told)), key
    again = running.verdict_facts(verdict(claim, running.numbers(result)))
    for key in ("verdict", "reason", "checks"):
        assert repr(result[key]) == repr(again[key])
    assert result["cpu_seconds"] <= 60 * claim.minutes * 1.5
    assert result["machine"]["processor"]
    assert len(result["commit"]) == 40, "run it from a clean checkout"
    picture = shelf.picture(name).read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_nothing_is_shipped_that_is_not_a_claim():
    shipped = {path.stem for path in shelf.SHIPPED.iterdir() if path.suffix in (".json", ".png")}
    assert shipped == set(NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_quick_claims_come_out_the_same_with_other_seeds(name, tmp_path):
    result = running.reproduce(catalog.get(name), tmp_path, seeds=(11, 12, 13, 14, 15))
    assert result["verdict"] == shelf.shipped(name)["verdict"]
    assert (tmp_path / "result.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", QUICK)
def test_quick_claims_come_out_as_shipped(name):
    """The checks, and not the numbers: another processor rounds differently, and training makes that grow."""
    claim, shipped = catalog.get(name), running.numbers(shelf.shipped(name))
    found = {arm.name: running.run_unit(claim, arm.name, 0).numbers for arm in claim.arms}
    for check in claim.checks:
        assert check.holds(check.value(found)) == check.holds(check.value(shipped[0])), check.text


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name not in QUICK])
def test_every_claim_comes_out_the_same_with_other_seeds(name, tmp_path):
    result = running.reproduce(catalog.get(name), tmp_path, seeds=(11, 12, 13, 14, 15))
    assert result["verdict"] == shelf.shipped(name)["verdict"]


# --- Fingerprints ---------------------------------------------------------------------------------------------------


def test_a_fingerprint_sees_what_makes_the_numbers_and_nothing_else(bench, monkeypatch):
    def found(source: str) -> tuple[str, str]:
        bench.write(source)
        code._read.cache_clear()
        return code.fingerprints("headway.claims.counted")

    in_here(monkeypatch, bench)
    before = found(COUNTED)
    for old, new in (
        ("FACTOR = 1.0", "FACTOR = 1.5"),
        ("return 10.0", "return 10.5"),
        ("torch.rand(2)", "torch.rand(3)"),
        ("if log:", "if not log:"),
    ):
        assert found(COUNTED.replace(old, new)) != before
    for old, new in (
        ("FACTOR = 1.0", "FACTOR = 1.0  # a remark"),
        ("def helper():", 'def helper():\n    """Words."""\n'),
        ("at_least=0.0, contrary", "at_least=0.5, contrary"),
        ("A statement.", "Another."),
        ("figure.subplots()", "figure.subplots(1, 1)"),
    ):
        assert found(COUNTED.replace(old, new)) == before
    code._read.cache_clear()


def test_fingerprints_follow_imports_into_headway():
    reached: dict[tuple[str, str], str] = {}
    code._reach("headway.claims.pre_ln", "unit", reached)
    assert ("headway.claims.small", "Block") in reached
    assert ("headway.data.markov", "MarkovText") in reached
    assert ("headway.claims.pre_ln", "draw") not in reached
    assert ("headway.claims.pre_ln", "CLAIM") not in reached


# --- The commands ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count", "seeds"),
    [
        (None, None, None),
        ("0..4", None, (0, 1, 2, 3, 4)),
        ("3", None, (3,)),
        ("1, 4,7", None, (1, 4, 7)),
        ("0..2,2..3", None, (0, 1, 2, 3)),
        (None, 3, (0, 1, 2)),
    ],
)
def test_seeds_as_written(text, count, seeds):
    assert parse_seeds(text, count) == seeds


@pytest.mark.parametrize(
    ("text", "count"),
    [("", None), ("a", None), ("4..1", None), ("-1", None), ("1..", None), ("0..99999", None), ("1", 1), (None, 0)],
)
def test_seeds_that_cannot_be_meant(text, count):
    with pytest.raises(HeadwayError):
        parse_seeds(text, count)


def test_a_misspelt_claim_is_one_line(capsys):
    assert cli.main(["reproduce", "pre-lm"]) == 2
    assert "Did you mean 'pre-ln'?" in capsys.readouterr().err
    assert cli.main(["claims", "show", "skale"]) == 2
    assert "Did you mean 'scale'?" in capsys.readouterr().err
    assert cli.main(["claims", "--topic", "layernorm"]) == 2
    assert "layer-norm" in capsys.readouterr().err


def test_the_list_and_one_in_full(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["claims"]) == 0
    text = capsys.readouterr().out
    for name, entry in catalog.CATALOG.items():
        assert name in text
        assert entry.paper in text
    assert cli.main(["claims", "show", "pre-ln"]) == 0
    text = capsys.readouterr().out
    for check in shelf.shipped("pre-ln")["checks"]:
        assert check["threshold"] in text
    assert "2002.04745" in text
    assert "negative control" in text


def test_reproduce_writes_where_it_says(capsys, tmp_path, monkeypatch):
    from headway.learn import evidence
    from headway.learn.workspace import create

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADWAY_WORKSPACE", raising=False)
    name = "layernorm-invariances"
    assert cli.main(["reproduce", name, "--seed-count", "2"]) == 0
    assert (tmp_path / "results" / name / "result.json").exists()
    assert cli.main(["reproduce", name, "--seeds", "3", "--out", "elsewhere"]) == 0
    assert (tmp_path / "elsewhere" / "result.png").exists()
    workspace = create(tmp_path / "work")
    monkeypatch.chdir(workspace.root)
    assert cli.main(["reproduce", name]) == 0
    assert (workspace.root / "claims" / name / "result.json").exists()
    lines = [line for line in evidence.read(workspace) if line.kind == "claim"]
    assert [(line.name, line.result) for line in lines] == [(name, "reproduced")]
    capsys.readouterr()
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["claims"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(name))
    assert lines[at].rstrip().endswith(" reproduced, reproduced (yours)")
    (tmp_path / "taken").write_text("mine")
    assert cli.main(["reproduce", name, "--out", str(tmp_path / "taken")]) == 2
    assert (tmp_path / "taken").read_text() == "mine"


def test_interrupted_on_the_keyboard(bench, tmp_path):
    """Ctrl-C says how many units are kept, and the same command goes on."""
    script = tmp_path / "ctrl_c.py"
    script.write_text(
        "import sys\n"
        "import headway.claims\n"
        f"headway.claims.__path__.append({str(bench.folder)!r})\n"
        "from headway.claims import catalog\n"
        "catalog.CATALOG['counted'] = catalog.ClaimEntry(title='t', paper='A 2000', topic='x', minutes=0.1)\n"
        "from headway.cli.app import main\n"
        "sys.exit(main(['reproduce', 'counted', '--out', sys.argv[1]]))\n"
    )
    environment = {**os.environ, "UNIT_LOG": str(bench.log), "UNIT_HOLD": "2", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script), str(tmp_path / "out")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    units = tmp_path / "out" / "units"
    while (len(bench.ran()) < 3 or len(list(units.glob("*.json"))) < 2) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "2 of 10 units are kept" in err
    assert "Traceback" not in err
    del environment["UNIT_HOLD"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert "kept from before" in done.stderr
    assert "result.json" in done.stdout


def test_listing_claims_imports_no_torch():
    check = "import sys; from headway.claims import catalog, shelf; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)


# --- What the claims stand on ----------------------------------------------------------------------------------------


def test_an_outcome_counts_seeds():
    found = outcome(made_up().checks[0], results([0.3, 0.1, -0.2, 0.25, 0.5]))
    assert (found.held, found.needed, found.word) == (3, 5, "open")
    assert found.mean == pytest.approx(0.19)

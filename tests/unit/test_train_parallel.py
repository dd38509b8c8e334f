"""Two processes do what one does: DDP and FSDP2 over gloo, losses and weights, and a run that goes on with more or fewer."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support.parity import assert_close
from support.training import small, some_text, train

from headway.train.checkpoint import load
from headway.train.folder import list_runs


def process(rank: int, size: int, port: int, home: Path, plain, steps) -> None:
    """One of `size` processes, as torchrun would start it."""
    os.environ |= {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "HEADWAY_CACHE": str(home / ".cache"),
    }  # fmt: skip
    if steps is not None:
        stop_after(steps)
    try:
        train(home, plain)
    except BaseException as error:
        (home / f"error.{rank}").write_text(f"{type(error).__name__}: {error}")
        raise


def stop_after(steps: int) -> None:
    """As Ctrl-C does, in the first process only."""
    from headway.train.loop import Trainer

    real = Trainer.after_step

    def after_step(self):
        real(self)
        if self.progress.step == steps and self.world.first:
            self.asked_to_stop = True

    Trainer.after_step = after_step


@pytest.fixture(scope="module")
def children():
    context = multiprocessing.get_context("forkserver")
    late = ["torch.utils.flop_counter", "torch.distributed.tensor", "torch.distributed.fsdp", "torch.nn.parallel"]
    context.set_forkserver_preload(
        ["headway.train.loop", "headway.models.gpt2", "headway.data.text", "support.training", *late]
    )
    return context


def run(children, size: int, home: Path, plain, steps=None) -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    home.mkdir(exist_ok=True)
    group = [children.Process(target=process, args=(rank, size, port, home, plain, steps)) for rank in range(size)]
    for one in group:
        one.start()
    for one in group:
        one.join(120)
    said = [path.read_text() for path in home.glob("error.*")]
    codes = {one.exitcode for one in group}
    for one in group:
        one.kill()
    if steps is not None:
        assert all(text.startswith("Interrupted") for text in said), said
        for path in home.glob("error.*"):
            path.unlink()
    else:
        assert codes == {0}, said
    return len(said)


def settings(text: Path, **changes):
    common = {
        "precision": "float64",
        "model__dropout": 0.0,
        "sample_every": 0,
        "steps": 12,
        "save_every": 4,
        "eval_every": 6,
    }
    # Adam's first steps divide by gradients: where those are rounding alone, ε decides, and the default lets noise through.
    return small(text, **{**common, "optimiser__eps": 1e-4, **changes})


@pytest.fixture(scope="module")
def alone(children, tmp_path_factory):
    home = tmp_path_factory.mktemp("alone")
    text = some_text(home / "text.txt", 1500)
    run(children, 1, home / "runs", settings(text))
    return text, list_runs(home / "runs")[0]


def assert_same_run(folder, wanted) -> None:
    """Losses of every line, held out too, and the weights, to rounding of float64."""
    for got, row in zip(folder.metrics(), wanted.metrics(), strict=True):
        assert got["step"] == row["step"]
        assert got["tokens"] == row["tokens"]
        for key in ("loss", "norm", "held_out", "accuracy"):
            assert (key in got) == (key in row)
            assert got.get(key, 0) == pytest.approx(row.get(key, 0), rel=1e-10), key
    ours, theirs = load(folder.checkpoints), load(wanted.checkpoints)
    assert ours.step == theirs.step
    for part in ("model", "state"):
        a, b = getattr(ours, part), getattr(theirs, part)
        names = {name for name in b if not name.startswith("random")}
        assert names == {name for name in a if not name.startswith("random")}
        for name in names:
            assert a[name].shape == b[name].shape
            assert_close(a[name], b[name], 1e-9, name)


@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
def test_two_processes_are_one(children, alone, tmp_path, kind):
    text, wanted = alone
    run(children, 2, tmp_path / "runs", settings(text, parallel=kind))
    (folder,) = list_runs(tmp_path / "runs")
    assert_same_run(folder, wanted)
    assert json.loads((folder.checkpoints / "00000012.json").read_text())["processes"] == 2


@pytest.mark.parametrize(("kind", "before", "after"), [("fsdp", 2, 1), ("fsdp", 1, 2), ("ddp", 2, 1), ("ddp", 1, 2)])
def test_a_run_goes_on_with_more_or_fewer(children, alone, tmp_path, kind, before, after):
    text, wanted = alone
    home = tmp_path / "runs"
    assert run(children, before, home, settings(text, parallel=kind), steps=6) == before  # all stop after the same step
    (folder,) = list_runs(home)
    assert load(folder.checkpoints).step == 7
    run(children, after, home, None)
    assert_same_run(folder, wanted)


def test_more_processes_than_rows(children, tmp_path):
    text = some_text(tmp_path / "text.txt", 1500)
    plain = settings(text, batch=1, accumulate=1, steps=4, model__width=8)
    run(children, 1, tmp_path / "one", plain)
    run(children, 2, tmp_path / "two", plain)
    assert_same_run(list_runs(tmp_path / "two")[0], list_runs(tmp_path / "one")[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
def test_the_same_command_under_torchrun(tmp_path, kind):
    text = some_text(tmp_path / "text.txt", 1500)
    changes = [f"--set={key}" for key in (
        f"data.text={text}", "steps=12", "batch=4", "precision=float64", "eval_every=6", "model.width=16", "model.n_layer=2",
        "data.context=16", f"parallel={kind}", "optimiser.eps=1e-4", "schedule.warmup=2",
    )]  # fmt: skip
    environment = {**os.environ, "HEADWAY_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}

    def command(*words: str) -> None:
        done = subprocess.run(
            words, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr

    headway = ["-m", "headway", "train"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command(sys.executable, *headway, "char-gpt", *changes, "--into", str(tmp_path / "one"))
    command(*torchrun, *headway, "char-gpt", *changes, "--into", str(tmp_path / "two"))
    (folder,), (wanted,) = list_runs(tmp_path / "two"), list_runs(tmp_path / "one")
    assert_same_run(folder, wanted)
    command(*torchrun, *headway, "--resume", str(folder.path), "--set", "steps=14")
    assert folder.metrics()[-1]["step"] == 14
    assert torch.__version__ == folder.facts()["torch"]

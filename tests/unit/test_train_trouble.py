"""When things go wrong: no number, no room, no file, another text, two at once. One line, and nothing saved is lost."""

from __future__ import annotations

import errno
import json
import os
import subprocess

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.training import outcome, small, some_text, train
from torch import nn

from headway.base.errors import Corrupt, HeadwayError
from headway.models.catalog import build
from headway.train import checkpoint as checkpoints
from headway.train.checkpoint import read_tensors, write_tensors
from headway.train.config import from_dict
from headway.train.data import Batch
from headway.train.disk import Full
from headway.train.folder import RunFolder, list_runs
from headway.train.loop import Trainer, start
from headway.train.nans import Diverged, find_first
from headway.train.parallel import World
from headway.train.report import Reporter
from headway.train.task import Task


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("HEADWAY_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def text(tmp_path):
    return some_text(tmp_path / "text.txt")


class After(Reporter):
    """Does something after a step."""

    def __init__(self, step, action):
        self.at, self.action = step, action

    def step(self, step, facts):
        if step == self.at:
            self.action()


# No number


class Spoil(nn.Module):
    """A module whose output, or whose gradient, becomes bad on command."""

    def __init__(self):
        super().__init__()
        self.how = None

    def forward(self, x):
        if self.how == "forward":
            return x * torch.where(torch.arange(x.shape[-1]) == 1, torch.nan, 1.0)
        if self.how == "backward":
            x.register_hook(lambda grad: grad * torch.inf)
        return x


def spoiled(where: str, how: str):
    torch.manual_seed(0)
    model = build("gpt2", vocab_size=7, context=8, width=8, n_layer=3, n_head=2)
    if how == "weight":
        with torch.no_grad():
            model.get_parameter(where)[0] = torch.nan
    else:
        spoil = Spoil()
        spoil.how = how
        model.get_submodule(where).act = spoil
        block = model.get_submodule(where)
        forward = block.forward
        block.forward = lambda x: block.act(forward(x))
    task = Task(model, "causal")
    tokens = torch.randint(7, (2, 8))
    return find_first(model, lambda: task(Batch(tokens=tokens, targets=tokens)))


def test_the_first_bad_tensor_is_named():
    assert spoiled("blocks.1.mlp.up.weight", "weight") == (
        "the weight blocks.1.mlp.up.weight (8 of 256 values), before anything was computed from it"
    )
    assert spoiled("blocks.1.mlp", "forward") == "the output of blocks.1.mlp.act (Spoil), (2, 8, 8)"
    found = spoiled("blocks.1.mlp", "backward")
    assert found.startswith("the gradient")
    assert "blocks.1.mlp" in found


def test_between_modules_and_in_the_loss():
    class Root(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.second(torch.log(self.first(x) - 1e9))

    model = Root()
    assert find_first(model, lambda: model(torch.ones(1, 2)).sum()) == "what goes into second (Linear)"
    plain = nn.Linear(2, 1)
    assert find_first(plain, lambda: plain(torch.ones(2)).sum() * torch.inf).startswith("the loss itself")
    assert find_first(plain, lambda: plain(torch.ones(2)).sum()).startswith("none")


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path, text):
    plain = small(text, steps=20, save_every=4, eval_every=0)
    trainer = Trainer(start(tmp_path / "runs", from_dict(plain), World()), World())

    def spoil():
        with torch.no_grad():
            trainer.model.blocks[1].attn.qkv.weight[3, 2] = torch.nan

    trainer.report = After(10, spoil)
    with pytest.raises(Diverged) as error:
        trainer.run()
    said = str(error.value)
    assert "\n" not in said
    assert "the loss is nan in step 11" in said
    assert "the weight blocks.1.attn.qkv.weight (1 of 768 values)" in said
    assert "The checkpoint of step 8 is good" in said
    assert checkpoints.saved_steps(trainer.folder.checkpoints) == [8]
    again = Trainer(RunFolder(trainer.folder.path), World())
    assert again.resume() == 8
    again.run()
    assert again.progress.step == 20


def test_bad_weights_are_never_saved(tmp_path, text):
    trainer = Trainer(start(tmp_path / "runs", from_dict(small(text, steps=5, save_every=5)), World()), World())

    def spoil():
        with torch.no_grad():
            trainer.model.norm.weight[0] = torch.inf

    trainer.report = After(5, spoil)
    with pytest.raises(Diverged, match=r"norm.weight .* is no number any more after step 5: that is not saved"):
        trainer.run()
    assert not checkpoints.saved_steps(trainer.folder.checkpoints)


def test_a_learning_rate_out_of_this_world_is_said(tmp_path, text):
    plain = small(text, optimiser__name="sgd", optimiser__lr=1e30, optimiser__clip=0, schedule__warmup=0)
    with pytest.raises(Diverged, match=r"first bad tensor is .*smaller optimiser.lr"):
        train(tmp_path / "runs", plain)


# No room


@pytest.fixture
def small_disk(tmp_path):
    """A file system with a megabyte of room."""
    home = tmp_path / "disk"
    home.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(home)], capture_output=True, check=False
    ).returncode:
        pytest.skip("only root can mount a small file system")
    yield home
    subprocess.run(["umount", str(home)], check=True)


def fill(home, left: int):
    """Leave `left` bytes free."""
    free = os.statvfs(home).f_bavail * os.statvfs(home).f_frsize
    (home / "ballast").write_bytes(b"x" * max(0, free - left))


@pytest.mark.parametrize("left", [0, 30_000])
def test_a_full_disk_keeps_the_old_checkpoint_and_the_run_goes_on_to_the_same_bits(small_disk, tmp_path, text, left):
    plain = small(text, model__width=16)
    wanted = outcome(train(tmp_path / "elsewhere", plain))
    folder = start(small_disk, from_dict(plain), World())
    with pytest.raises(Full) as error:
        train(small_disk, reporter=After(12, lambda: fill(small_disk, left)))
    assert "the disk is full" in str(error.value)
    assert "\n" not in str(error.value)
    assert checkpoints.load(folder.checkpoints).step in (10, 15, 16, 20)
    assert not list(folder.checkpoints.glob(".*"))
    (small_disk / "ballast").unlink()
    train(small_disk)
    got = outcome(folder)
    assert all(got[what] == wanted[what] for what in wanted)


def test_a_write_that_breaks_off_leaves_the_old_checkpoint(monkeypatch, tmp_path, text):
    plain, real = small(text), checkpoints.write_tensors
    calls = 0

    def broken(path, tensors):
        nonlocal calls
        calls += 1
        if calls < 6:
            return real(path, tensors)
        path.write_bytes(b"half a file")
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(checkpoints, "write_tensors", broken)
    with pytest.raises(Full):
        train(tmp_path / "runs", plain)
    folder = list_runs(tmp_path / "runs")[0]
    monkeypatch.undo()
    monkeypatch.setenv("HEADWAY_CACHE", str(tmp_path / "cache"))
    assert checkpoints.load(folder.checkpoints).step == 8
    wanted = outcome(train(tmp_path / "elsewhere", plain))
    assert outcome(train(tmp_path / "runs")) == wanted


# Files that are not what they were


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path, text):
    folder = train(tmp_path / "runs", small(text, keep=2, steps=20, eval_every=0))
    good = outcome(folder)
    steps = sorted(checkpoints.saved_steps(folder.checkpoints))
    newest = folder.checkpoints / f"{steps[-1]:08d}.model.safetensors"
    content = bytearray(newest.read_bytes())
    content[-3] ^= 1
    for damage in (bytes(content), content[:-100], b""):
        newest.write_bytes(damage)
        assert checkpoints.load(folder.checkpoints).step == steps[-2]
    newest.unlink()
    assert checkpoints.load(folder.checkpoints).step == steps[-2]
    train(tmp_path / "runs")
    again = outcome(folder)
    assert (again["model"], again["state"], again["metrics"]) == (good["model"], good["state"], good["metrics"])
    for path in folder.checkpoints.glob("*.json"):
        path.write_text("{}")
    with pytest.raises(Corrupt, match=r"no checkpoint in .* is whole"):
        train(tmp_path / "runs")


def test_tensors_are_safetensors_to_the_byte(tmp_path):
    tensors = {
        "b": torch.randn(3, 2).bfloat16(), "a": torch.randn(2, dtype=torch.float64), "c": torch.tensor(3), "e": torch.zeros(0, 4),
        "d": torch.tensor([True, False]), "f": torch.randn(4, 3).t(),
    }  # fmt: skip
    write_tensors(tmp_path / "ours", tensors)
    for read in (load_file(tmp_path / "ours"), read_tensors(tmp_path / "ours")):
        assert read.keys() == tensors.keys()
        assert all(
            torch.equal(read[name], tensors[name]) and read[name].dtype == tensors[name].dtype for name in tensors
        )
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()}, tmp_path / "theirs", metadata={"format": "pt"}
    )
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    (tmp_path / "bad").write_bytes(b"\xff" * 40)
    for name in ("bad", "missing"):
        with pytest.raises(Corrupt):
            read_tensors(tmp_path / name)


def test_a_torn_line_of_metrics_is_dropped_and_written_again(tmp_path, text):
    folder = train(tmp_path / "runs", small(text))
    wanted = outcome(folder)
    for step in checkpoints.saved_steps(folder.checkpoints):
        checkpoints.delete(folder.checkpoints, step)
    lines = folder.metrics_file.read_text().splitlines(keepends=True)
    folder.metrics_file.write_text("".join(lines[:3]) + lines[2] + lines[4][:20])
    train(tmp_path / "runs")
    assert outcome(folder) == wanted


def test_another_text_is_another_run(tmp_path, text):
    folder = train(tmp_path / "runs", small(text))
    text.write_text(text.read_text().replace("cat", "cow"))
    with pytest.raises(HeadwayError, match="is not what this run began with"):
        train(tmp_path / "runs")
    assert RunFolder(folder.path).facts()["finished"]


def test_two_at_once_are_refused(tmp_path, text):
    folder = start(tmp_path / "runs", from_dict(small(text)), World())
    with folder.alone(), pytest.raises(HeadwayError, match="another process"), RunFolder(folder.path).alone():
        pass
    with RunFolder(folder.path).alone():
        pass


def test_what_cannot_be_is_said_before_a_folder_is_made(tmp_path, text):
    for changes, says in (
        ({"model__name": "bert"}, "bert is an encoder; the objective causal needs decoder"),
        ({"model__n_head": 3}, "n_head must divide width"),
        ({"model__vocab_size": 3}, "model.vocab_size is 3"),
        ({"model__vocabulary": 3}, "gpt2 has no size 'vocabulary'"),
        ({"model": {"name": "gpt2"}}, "gpt2 needs model.width, model.n_layer, model.n_head"),
        ({"data__text": "shakespeer"}, "is neither a file nor a text"),
        ({"data__tokens": "words"}, "data.tokens=words"),
        ({"trackers": ["wandb"]}, "the tracker wandb needs its package"),
    ):
        with pytest.raises(HeadwayError) as error:
            start(tmp_path / "runs", from_dict(small(text, **changes)), World())
        assert says in str(error.value), error.value
        assert "\n" not in str(error.value)
    assert not list_runs(tmp_path / "runs")


def test_a_recurrent_model_that_is_packed_is_refused(tmp_path, text):
    plain = small(text, data__pack=True, model={"name": "gru", "width": 8, "state": 8, "n_layer": 1})
    with pytest.raises(HeadwayError, match="train it without packing"):
        train(tmp_path / "runs", plain)


def test_config_json_is_there_from_the_first_moment(tmp_path, text):
    folder = start(tmp_path / "runs", from_dict(small(text)), World())
    facts = json.loads((folder.path / "config.json").read_text())
    assert facts["parameters"] > 0
    assert {"headway", "torch", "created", "threads", "config"} <= facts.keys()
    with pytest.raises(HeadwayError, match="is no run"):
        RunFolder.open(tmp_path)

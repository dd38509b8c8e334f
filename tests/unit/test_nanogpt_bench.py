"""The comparison with a plain loop of `transformers`: the same training, on one clock; and the ablation."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace

import pytest

from headway.base.errors import HeadwayError
from headway.cli.shared import bench_nanogpt
from headway.evals import nanogpt
from headway.train.config import read_config

RECIPE = """
name = "{name}"
steps = 12
batch = 4
precision = "float32"
{more}
[model]
name = "{model}"
n_layer = 2
n_head = 2
width = 16
{sizes}
[data]
text = "{text}"
context = 8
[optimiser]
name = "{rule}"
[schedule]
warmup = 2
"""


@pytest.fixture
def recipes(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat, and the dog sat on the cat. " * 60)
    plain, fast = tmp_path / "plain.toml", tmp_path / "fast.toml"
    plain.write_text(RECIPE.format(name="plain", more="", model="gpt2", sizes="", text=text, rule="adamw"))
    fast.write_text(RECIPE.format(name="fast", more="", model="llama", sizes="ff_width = 32", text=text, rule="muon"))
    return str(plain), str(fast)


@pytest.fixture
def clock(monkeypatch):
    """A clock on which every step takes the same time, so that nothing hangs on how busy the machine is."""
    ticks = itertools.count()
    monkeypatch.setattr(
        nanogpt, "time", SimpleNamespace(perf_counter=lambda: next(ticks) * 0.001, process_time=lambda: 0.0)
    )


def test_the_plain_loop_trains_the_same_model_in_the_same_way(recipes, clock):
    plain, fast = recipes
    found = nanogpt.compare(seconds=0.004, looks=3, recipe=plain, fast=fast)
    last = found["curve"][-1]
    assert last["transformers"]["steps"] == last["headway"]["steps"] == 12
    assert last["transformers"]["tokens"] == last["headway"]["tokens"] == 12 * 4 * 8
    # Same weights at first, same rows, same rule: after all steps the same loss.
    assert last["headway"]["held_out"] == pytest.approx(last["transformers"]["held_out"], abs=1e-4)
    assert len(found["curve"]) >= 2
    assert found["speed_ratio"] > 0


def test_nobody_gets_more_time(recipes, clock):
    plain, fast = recipes
    found = nanogpt.compare(steps=30, seconds=0.05, looks=2, recipe=plain, fast=fast)
    last = found["curve"][-1]
    longest = 3 * last["transformers"]["seconds"] / last["transformers"]["steps"] + 0.05  # one step may be under way
    for name in ("headway", "fast"):
        assert last[name]["seconds"] <= last["transformers"]["seconds"] + longest


def test_an_ablation_undoes_one_choice_at_a_time_and_goes_on_where_it_was(recipes, tmp_path, monkeypatch, capsys):
    _, fast = recipes
    monkeypatch.setattr(
        nanogpt, "CHOICES", {"all choices": (), "AdamW": ("optimiser.name=adamw",), "2 rows": ("batch=2",)}
    )
    file = tmp_path / "found.json"
    assert bench_nanogpt.ablate(fast, steps=10, seeds=1, threads=None, json=file) == 0
    first = json.loads(file.read_text())["held_out"]
    assert [len(losses) for losses in first.values()] == [1, 1, 1]
    assert len({losses[0] for losses in first.values()}) == 3
    assert bench_nanogpt.ablate(fast, steps=10, seeds=2, threads=None, json=file) == 0
    second = json.loads(file.read_text())["held_out"]
    assert all(second[name][0] == losses[0] and len(second[name]) == 2 for name, losses in first.items())
    assert "worse by" in capsys.readouterr().out
    with pytest.raises(HeadwayError, match="something else"):
        bench_nanogpt.ablate(fast, steps=11, seeds=1, threads=None, json=file)


def test_every_choice_of_the_preset_can_be_undone():
    whole = read_config(nanogpt.FAST)
    undone = [read_config(nanogpt.FAST, undo) for undo in nanogpt.CHOICES.values()]
    assert undone[0] == whole
    assert all(config != whole for config in undone[1:])

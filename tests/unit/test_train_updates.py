"""An update is the same however its batch is worked off, and recomputing changes nothing but the memory."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.parity import assert_close, randomise
from support.training import small, some_text, train
from torch import nn

from headway.data.pairs import load_pairs
from headway.models.catalog import build
from headway.train.config import from_dict
from headway.train.data import Batch
from headway.train.folder import RunFolder
from headway.train.loop import Trainer, start
from headway.train.losses import IGNORE
from headway.train.parallel import World
from headway.train.task import Task, recompute_blocks
from headway.train.updates import Updates, fused_pieces, inner_matrices

few = settings(max_examples=12, deadline=None)
SIZES = {"vocab_size": 13, "width": 8, "n_layer": 2, "n_head": 2}


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("HEADWAY_CACHE", str(tmp_path_factory.mktemp("cache")))


def uneven_batch(rows: int, seed: int) -> Batch:
    """Rows with very different numbers of targets, some with none."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(13, (rows, 10), generator=generator)
    targets = torch.randint(13, (rows, 10), generator=generator)
    lengths = torch.randint(0, 11, (rows,), generator=generator)
    lengths[0] = 10
    return Batch(tokens=tokens, targets=targets.masked_fill(torch.arange(10) >= lengths[:, None], IGNORE))


def gradients(task: Task, parts: list[Batch], targets: list[int]) -> dict[str, torch.Tensor]:
    task.zero_grad()
    for part, count in zip(parts, targets, strict=True):
        (task(part) / count).backward()
    return {name: parameter.grad.clone() for name, parameter in task.named_parameters()}


@few
@given(rows=st.integers(2, 8), parts=st.integers(2, 8), smoothing=st.sampled_from([0.0, 0.1]), seed=st.integers(0, 99))
def test_accumulated_gradients_are_those_of_the_large_batch_whatever_counts(rows, parts, smoothing, seed):
    parts = min(parts, rows)
    model = build("gpt2", context=10, **SIZES).double()
    randomise(model, seed)
    task = Task(model, "causal", smoothing=smoothing)
    batch = uneven_batch(rows, seed)
    cut = [batch.part(n, parts) for n in range(parts)]
    whole = gradients(task, [batch], [batch.n_targets])
    for name, gradient in gradients(task, cut, [batch.n_targets] * parts).items():
        assert_close(gradient, whole[name], 1e-12, name)


def test_the_mean_of_means_is_not_the_mean():
    """What accumulation by averaging gives: the mistake this file guards against would not go unnoticed."""
    model = build("gpt2", context=10, **SIZES).double()
    randomise(model, 0)
    task, batch = Task(model, "causal"), uneven_batch(6, 1)
    parts = [part for part in (batch.part(n, 6) for n in range(6)) if part.n_targets]
    whole = gradients(task, [batch], [batch.n_targets])
    wrong = gradients(task, parts, [part.n_targets * len(parts) for part in parts])
    assert max((wrong[name] - whole[name]).abs().max() / whole[name].abs().max() for name in whole) > 0.05


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"data__pack": True, "data__documents": "lines"},
        {"objective": "masked", "model__name": "bert"},
        {"objective": "seq2seq", "model__name": "transformer", "data__context": 80, "label_smoothing": 0.1},
        {"objective": "classification", "model__name": "bert", "data__context": 40},
    ],
)
def test_a_run_ends_the_same_with_any_number_of_parts(tmp_path, settings):
    """Through the loop itself, for every objective: weights after six updates, to rounding."""
    if "objective" in settings:
        kind = "brackets" if settings["objective"] == "classification" else "numbers"
        rows = load_pairs(kind)[:60]
        (tmp_path / "pairs.tsv").write_text("".join(f"{one}\t{other}\n" for one, other in rows))
        settings = {**settings, "data__pairs": str(tmp_path / "pairs.tsv")}
    text = some_text(tmp_path / "text.txt", 1200)
    text.write_text(text.read_text().replace(" mat ", " mat\n"))
    common = {
        "steps": 6, "batch": 6, "precision": "float64", "model__dropout": 0.0, "optimiser__name": "adamw", "sample_every": 0,
        "eval_every": 0,
        "optimiser__lr": 0.01, "optimiser__eps": 1e-3,
    }  # fmt: skip
    found = []
    for parts in (1, 2, 3):
        plain = small(text, **common, **settings, accumulate=parts)
        home = tmp_path / str(parts)
        config, world = from_dict(plain), World()
        trainer = Trainer(start(home, config, world), world)
        trainer.run()
        found.append({name: tensor.clone() for name, tensor in trainer.model.state_dict().items()})
    for other in found[1:]:
        for name, tensor in found[0].items():
            assert_close(other[name], tensor, 1e-9, name)


def kept_bytes(task: Task, batch: Batch) -> int:
    """What autograd holds on to between the forward and the backward pass."""
    total = 0

    def pack(tensor):
        nonlocal total
        total += tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        task(batch).backward()
    return total


@pytest.mark.parametrize(("name", "extra"), [("gpt2", {"context": 16}), ("llama", {"ff_width": 20})])
def test_recomputing_gives_the_same_gradients_for_less_memory(name, extra):
    torch.manual_seed(0)
    model = build(name, **{**SIZES, "n_layer": 4}, **extra)
    if name == "gpt2":
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.2
    other = copy.deepcopy(model)
    assert recompute_blocks(other) == 4
    assert list(other.state_dict()) == list(model.state_dict())
    batch = uneven_batch(4, 3)
    torch.manual_seed(1)
    whole = kept_bytes(Task(model, "causal"), batch)
    torch.manual_seed(1)
    less = kept_bytes(Task(other, "causal"), batch)
    assert less < whole / 2
    for (key, a), (_, b) in zip(model.named_parameters(), other.named_parameters(), strict=True):
        assert torch.equal(a.grad, b.grad), key


def test_who_gets_which_rule():
    model = build("llama", **SIZES, ff_width=20, n_group=1)
    inner = inner_matrices(model)
    assert "embed.weight" not in inner
    assert "head.weight" not in inner
    assert {name.split(".", 2)[2] for name in inner} == {
        "attn.qkv.weight", "attn.out.weight", "mlp.gate.weight", "mlp.up.weight", "mlp.down.weight",
    }  # fmt: skip
    assert fused_pieces(model)["blocks.0.attn.qkv.weight"] == (8, 4, 4)
    config = from_dict({"optimiser": {"name": "muon"}})
    updates = Updates(model, config)
    taken = [p for rule in updates.rules for group in rule.param_groups for p in group["params"]]
    assert len(taken) == len(set(taken)) == len(list(model.parameters()))
    for rule in updates.rules:
        for group in rule.param_groups:
            assert group["weight_decay"] == (0.1 if group["params"][0].dim() > 1 else 0.0)


def test_bfloat16_is_autocast_and_the_weights_stay_float32(tmp_path):
    plain = small(some_text(tmp_path / "text.txt"), precision="bfloat16", steps=3, model__dropout=0.0)
    folder = train(tmp_path / "runs", plain)
    config = folder.config()
    trainer = Trainer(RunFolder(folder.path), World())
    assert trainer.resume() == 3
    assert all(parameter.dtype == torch.float32 for parameter in trainer.model.parameters())
    seen = []
    trainer.model.blocks[0].mlp.up.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    loss = trainer.loss(trainer.source.batch(0, 4))
    assert seen == [torch.bfloat16]
    assert loss.dtype == torch.float32
    assert config.precision == "bfloat16"


def test_auto_precision_is_settled_when_the_run_begins(tmp_path):
    folder = start(tmp_path, from_dict(small(some_text(tmp_path / "text.txt"), precision="auto")), World())
    assert folder.config().precision in ("float32", "bfloat16")


def test_label_smoothing_is_for_training_only():
    model = build("gpt2", context=10, **SIZES).double()
    smooth, plain = Task(model, "causal", smoothing=0.3), Task(model, "causal")
    batch = uneven_batch(3, 2)
    assert smooth(batch) != plain(batch)
    assert smooth.eval()(batch) == plain.eval()(batch) == smooth.judge(batch)[0]

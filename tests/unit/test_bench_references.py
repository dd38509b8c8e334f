"""What `headway bench` compares with computes the same thing, so that only the time differs."""

from __future__ import annotations

import json

import pytest
import torch
from support.parity import assert_close, randomise
from support.tiny import TINY

from headway.base.errors import HeadwayError
from headway.cli.app import main
from headway.evals import request, rows
from headway.evals.rows import ROWS
from headway.evals.speed import KINDS, REFERENCES, bench, peak_memory, product_share
from headway.models.catalog import build

SAME = [("mamba", "transformers"), ("mamba2", "transformers"), ("mamba", "mambapy"), ("retnet", "parallel")]


def tiny(name):
    model = build(name, **TINY[name][0]).eval()
    randomise(model, 0)
    return model


@pytest.mark.parametrize(("name", "against"), SAME)
def test_the_reference_has_the_same_weights(name, against):
    model, tokens = tiny(name), torch.randint(0, 19, (1, 13))
    with REFERENCES[against](model) as other, torch.no_grad():
        theirs = other(tokens)
        assert_close(getattr(theirs, "logits", theirs), model(tokens), 1e-5)


def test_what_can_be_asked_for_is_what_there_is():
    """The names are checked where no torch is, and stand in a list of their own there."""
    assert set(request.KIND_NAMES) == set(KINDS)
    assert tuple(REFERENCES) == request.REFERENCE_NAMES
    assert tuple(ROWS) == request.ROW_NAMES


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_runs_and_counts(kind):
    result = bench(kind, tiny("mamba"), torch.randint(0, 19, (1, 9)), against="transformers", n=4, rounds=1)
    assert result.ratio > 0
    assert len(result.ratios) == 1


def test_peak_memory_sees_what_is_there_only_for_a_while():
    def work():
        torch.ones(20_000_000).sum()

    assert 70e6 < peak_memory(work) < 200e6


def test_training_leaves_no_gradients_and_memory_is_noted():
    model = tiny("retnet")
    result = bench("train", model, torch.randint(0, 19, (1, 9)), against="parallel", n=2, rounds=1, memory=True)
    assert set(result.notes["peak bytes"]) == {"headway", "parallel"}
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_reference_that_does_not_fit_says_so():
    tokens = torch.randint(0, 19, (1, 9))
    with pytest.raises(HeadwayError, match="mamba only"):
        bench("forward", tiny("mamba2"), tokens, against="mambapy", n=2, rounds=1)
    with pytest.raises(HeadwayError, match="retnet"):
        bench("forward", tiny("mamba"), tokens, against="parallel", n=2, rounds=1)
    with pytest.raises(HeadwayError, match="forward and train"):
        bench("decode", tiny("mamba"), tokens, against="mambapy", n=2, rounds=1)


def test_a_row_is_measured_and_kept(tmp_path):
    path = tmp_path / "rows.json"
    assert main(["bench", "rows", "decision_transformer", "--rounds", "2", "--json", str(path)]) in (0, 1)
    record = json.loads(path.read_text())
    (row,) = record["rows"].values()
    assert set(row) == {"forward", "train"}
    for kind in row.values():
        assert len(kind["ratios"]) == 2
        assert kind["apart"] < 1e-5
    assert record["machine"]["torch"] == torch.__version__


def test_a_row_that_is_none(capsys):
    assert main(["bench", "rows", "dino"]) == 2
    assert "Did you mean 'dinov2'" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_every_row_compares_the_same_numbers(name):
    assert all(kind["apart"] < 1e-4 for kind in rows.measure(name, rounds=1).values())


@pytest.mark.parametrize("kind", ["forward", "train"])
@pytest.mark.parametrize("against", ["transformers", "mambapy"])
def test_without_the_head_and_with_the_share_of_products(kind, against):
    model = tiny("mamba")
    result = bench(kind, model, torch.randint(0, 19, (1, 9)), against=against, n=2, rounds=1, head=False, products=True)
    assert result.ratio > 0
    assert 0 < result.notes["in products"] < 1
    assert all(weight.grad is None for weight in model.parameters())


def test_without_a_head_there_is_nothing_to_decode():
    with pytest.raises(HeadwayError, match="forward or train"):
        bench("decode", tiny("mamba"), torch.randint(0, 19, (1, 9)), against=None, n=2, rounds=1, head=False)


def test_the_share_of_products():
    x = torch.randn(400, 400)

    def products():
        for _ in range(20):
            x @ x

    def sums():
        for _ in range(200):
            x + x

    assert product_share(products) > 0.7
    assert product_share(sums) == 0

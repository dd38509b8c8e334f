"""Settings: typed, changed by key=value, and every mistake one line that says what to do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.base.errors import HeadwayError
from headway.train.config import (
    RESUMABLE,
    Model,
    TrainConfig,
    all_keys,
    check_model,
    convert,
    from_dict,
    presets,
    read_config,
)  # fmt: skip


def test_presets_are_complete_and_survive_json():
    assert "char-gpt" in presets()
    for name in presets():
        config = read_config(name)
        check_model(config.model)
        assert config.name == name
        assert from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_changes_reach_every_level_and_are_typed():
    config = read_config(
        "char-gpt",
        ["steps=2_00", "optimiser.lr=3e-4", "optimiser.betas=0.8,0.9", "data.pack=yes", "model.width=32",
         "model.dropout=0.1", "trackers=tensorboard", "seed=12345678901234567890", "schedule.name=wsd"],
    )  # fmt: skip
    assert config.steps == 200
    assert config.optimiser.lr == 3e-4
    assert config.optimiser.betas == (0.8, 0.9)
    assert config.data.pack is True
    assert config.trackers == ("tensorboard",)
    assert config.seed == 12345678901234567890
    assert check_model(config.model) == Model(
        name="gpt2", sizes={"n_layer": 4, "n_head": 4, "width": 32, "dropout": 0.1}
    )
    assert from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("stepz=5", "there is no setting 'stepz'. Did you mean 'steps'?"),
        ("lr=1", "Did you mean 'optimiser.lr'?"),
        ("optimizer.lr=1", "there is no setting 'optimizer'"),
        ("optimiser.lrr=1", "Did you mean 'optimiser.lr'?"),
        ("steps=many", "steps takes a whole number, not 'many'"),
        ("steps=1.5", "steps takes a whole number, not '1.5'"),
        ("steps=nan", "steps takes a whole number"),
        ("steps=0", "steps is at least 1, not 0"),
        ("steps", "--set takes key=value, not 'steps'"),
        ("=3", "--set takes key=value"),
        ("recompute=maybe", "recompute takes true or false, not 'maybe'"),
        (
            "precision=bf16",
            "precision is one of auto, float32, bfloat16, float64, not 'bf16'. Did you mean 'bfloat16'?",
        ),
        ("optimiser.betas=0.9", "optimiser.betas takes 2 values (a,b), each a number"),
        ("optimiser.betas=0.9,1.0", "optimiser.betas lie from 0 to below 1"),
        ("optimiser=adamw", "optimiser holds settings of its own, like optimiser.name"),
        ("steps.more=1", "there is no setting 'steps.more'"),
        ("accumulate=5", "batch 12 does not fall into 5 equal parts"),
        ("data.held_out=1", "data.held_out lies between 0 and 1"),
        ("name=a/b", "name 'a/b' becomes part of a folder's name"),
        ("trackers=mlflow", "there is no tracker 'mlflow'"),
        ("objective=masked", None),
        ("label_smoothing=-0.1", "label_smoothing lies from 0"),
    ],
)
def test_mistakes_are_one_line(change, says):
    if says is None:
        read_config("char-gpt", [change])
        return
    with pytest.raises(HeadwayError) as error:
        read_config("char-gpt", [change])
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ({"name": "gpt3"}, "there is no architecture 'gpt3'"),
        ({"name": "gpt2", "widht": 3}, "gpt2 has no size 'widht'. Did you mean 'width'?"),
        ({"name": "gpt2", "width": "wide"}, "model.width takes a whole number, not 'wide'"),
    ],
)
def test_a_models_sizes_are_checked_against_the_architecture(model, says):
    with pytest.raises(HeadwayError) as error:
        check_model(from_dict({"model": model}).model)
    assert says in str(error.value)


def test_files(tmp_path):
    (tmp_path / "mine.toml").write_text('steps = 7\n[model]\nname = "llama"\nwidth = 8\n')
    config = read_config(tmp_path / "mine.toml", ["batch=2"])
    assert (config.name, config.steps, config.batch, config.model.sizes) == ("mine", 7, 2, {"width": 8})
    (tmp_path / "broken.toml").write_text("steps = = 7")
    (tmp_path / "picture.toml").write_bytes(b"\xff\xfe\x00")
    for name, says in (
        (tmp_path / "broken.toml", "is no TOML"),
        (tmp_path / "picture.toml", "is not UTF-8"),
        (tmp_path / "missing.toml", "there is no file"),
        ("char-gtp", "there is no preset 'char-gtp'. Did you mean 'char-gpt'?"),
        ("../presets/char-gpt", "there is no preset"),
    ):
        with pytest.raises(HeadwayError) as error:
            read_config(name)
        assert says in str(error.value)


@settings(max_examples=60, deadline=None)
@given(key=st.sampled_from(all_keys()), value=st.text(max_size=12))
def test_whatever_is_typed_is_taken_or_refused_in_one_line(key, value):
    said = ""
    try:
        config = read_config("char-gpt", [f"{key}={value}"])
    except HeadwayError as error:
        config, said = None, str(error)
    assert isinstance(config, TrainConfig) or said
    assert "\n" not in said or "\n" in value


def test_what_may_change_in_a_run_that_goes_on_exists():
    assert set(RESUMABLE) <= set(all_keys())


def test_none_where_it_is_allowed():
    assert convert("none", int | None, "x") is None
    with pytest.raises(HeadwayError):
        convert(None, int, "x")

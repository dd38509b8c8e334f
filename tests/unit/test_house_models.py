"""House models: each is what its record says, and does what it was made for."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from headway.base.files import checksum
from headway.evals.house import CAP, RECORD, held_out_pairs, text_loss, translate
from headway.train.config import from_dict, read_config
from headway.zoo import HOUSE, ZOO, house, load, ready


def record(name: str) -> dict:
    return json.loads((house(name) / RECORD).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", HOUSE)
def test_the_files_are_those_of_the_record(name):
    kept = record(name)
    assert {file: checksum(house(name) / file) for file in kept["sha256"]} == kept["sha256"]
    assert {path.name for path in house(name).iterdir()} == {*kept["sha256"], RECORD, "metrics.csv", "loss.png"}
    assert kept["name"] == name
    assert kept["commit"]
    assert json.loads((house(name) / "config.json").read_text())["dtype"] == "bfloat16"


@pytest.mark.parametrize("name", HOUSE)
def test_the_recipe_is_the_preset_of_its_name(name):
    kept = record(name)
    assert from_dict(kept["config"]) == read_config(name)
    assert kept["command"] == f"headway train {name}"
    lines = (house(name) / "metrics.csv").read_text(encoding="utf-8").splitlines()
    header, last = lines[0].split(","), lines[-1].split(",")
    assert int(last[header.index("step")]) == kept["config"]["steps"] == kept["run"]["steps"]


@pytest.mark.parametrize("name", HOUSE)
def test_it_reaches_what_is_recorded(name):
    kept, loaded = record(name), load(name)
    assert sum(weight.numel() for weight in loaded.model.parameters()) == kept["parameters"]
    if kept["config"]["objective"] == "causal":
        found = text_loss(loaded, kept["sample"]["text"])
        assert found["loss"] == pytest.approx(kept["sample"]["loss"], abs=1e-3)
        assert found["loss"] == pytest.approx(kept["evaluation"]["loss"], rel=0.15)
        return
    pairs = held_out_pairs(from_dict(kept["config"]))
    assert len(pairs) == kept["evaluation"]["pairs"]
    pairs = pairs[: kept["sample"]["pairs"]]
    said = translate(loaded, [source for source, _ in pairs])
    right = sum(text == target for text, (_, target) in zip(said, pairs, strict=True)) / len(pairs)
    assert right == pytest.approx(kept["sample"]["exact"], abs=0.02)
    assert right >= kept["evaluation"]["exact"] - 0.05


def test_what_was_held_out_was_not_trained_on():
    from headway.data.pairs import load_pairs

    config = read_config("numbers-transformer")
    held_out = held_out_pairs(config)
    seen = load_pairs(config.data.pairs)[: -len(held_out)]
    assert not {target for _, target in held_out} & {target for _, target in seen}
    assert {str(number) for number in range(100)} <= {target for _, target in seen}


def test_all_of_them_are_small_ship_with_the_package_and_are_listed():
    files = [path for name in HOUSE for path in house(name).iterdir()]
    assert sum(path.stat().st_size for path in files) < CAP
    root = Path(__file__).parents[2]
    data = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert data["headway"] == ["house/*/*"]
    now = ready()
    assert all(name in now[ZOO[name].partition(":")[2]] for name in HOUSE)


@pytest.mark.parametrize("name", [name for name in HOUSE if name.startswith("numbers")])
def test_numbers_that_people_try_first(name):
    tries = {"seven": "7", "twelve": "12", "forty-two": "42", "four hundred and two": "402", "one thousand": "1000"}
    assert translate(load(name), list(tries)) == list(tries.values())

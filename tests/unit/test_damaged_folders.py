"""Every file that a model's folder, a run or an episode may hold, damaged in the ways that once reached a person as our fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from headway.base.errors import HeadwayError
from headway.data.episodes import load_episode
from headway.data.pairs import load_pairs
from headway.data.pictures import Manner
from headway.models.catalog import build
from headway.tokens.pretrained import PretrainedTokenizer
from headway.train.config import read_config
from headway.train.folder import RunFolder, list_runs
from headway.weights.store import export_folder, load_folder

NESTED = ("[" * 100_000).encode()
DAMAGE = {
    "nested": NESTED,
    "nested and whole": b"[" * 2000 + b"]" * 2000,
    "nested within": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "Latin-1": b'{"caf\xe9": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a number of 400 digits": b'{"a": ' + b"9" * 400 + b"}",
    "a number of 5000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "cut": b'{"a": 1, "b',
    "no object": b"[1, 2]",
    "binary": bytes(range(256)),
}


def llama(folder: Path) -> None:
    export_folder(build("llama", vocab_size=11, width=8, n_layer=1, n_head=2, ff_width=12), folder)
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": "model-1.safetensors"}}))


def letters(folder: Path) -> None:
    (folder / "vocab.json").write_text(json.dumps({"h": 0, "e": 1, "he": 2, "<|endoftext|>": 3}))
    (folder / "merges.txt").write_text("#version: 0.2\nh e\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|endoftext|>"}))
    (folder / "special_tokens_map.json").write_text("{}")
    (folder / "generation_config.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }}")


def words(folder: Path) -> None:
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhe\n")


def settings(folder: Path) -> None:
    (folder / "run.toml").write_text("steps = 3\n")


def run(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"config": {"steps": 3}}))


READERS = {
    "config.json": (llama, load_folder),
    "model.safetensors.index.json": (llama, load_folder),
    "vocab.json": (letters, PretrainedTokenizer.from_folder),
    "merges.txt": (letters, PretrainedTokenizer.from_folder),
    "tokenizer_config.json": (letters, PretrainedTokenizer.from_folder),
    "special_tokens_map.json": (letters, PretrainedTokenizer.from_folder),
    "generation_config.json": (letters, PretrainedTokenizer.from_folder),
    "chat_template.jinja": (letters, PretrainedTokenizer.from_folder),
    "vocab.txt": (words, PretrainedTokenizer.from_folder),
    "tokenizer.json": (words, PretrainedTokenizer.from_folder),
    "preprocessor_config.json": (lambda folder: None, lambda folder: picture_made_ready(folder)),
    "run.toml": (settings, lambda folder: read_config(folder / "run.toml")),
    "run/config.json": (lambda folder: run(folder), lambda folder: RunFolder(folder).config()),
    "episode.json": (lambda folder: None, lambda folder: load_episode(folder / "episode.json")),
    "pairs.jsonl": (lambda folder: None, lambda folder: load_pairs(str(folder / "pairs.jsonl"))),
}
ANY_TEXT = {"chat_template.jinja", "vocab.txt", "merges.txt"}
"""Files that are no JSON: what is text may be read."""


def picture_made_ready(folder: Path) -> None:
    Manner.read(folder / "preprocessor_config.json", Manner.of("vit", 8))(Image.new("RGB", (9, 9)))


@pytest.mark.parametrize("harm", DAMAGE)
@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_one_line_that_names_it(tmp_path, name, harm) -> None:
    make, load = READERS[name]
    make(tmp_path)
    path = tmp_path / Path(name).name
    if path.exists() and name != "model.safetensors.index.json":
        said = load_or_refuse(load, tmp_path)
        assert said is None or "belong together" in said or "does not fit" in said or "missing" in said
    path.write_bytes(DAMAGE[harm])
    said = load_or_refuse(load, tmp_path)
    if said is None:
        assert name in ANY_TEXT or harm in ("no object", "nested and whole")
    elif name not in ANY_TEXT or harm in ("Latin-1", "binary"):
        assert path.name in said


def load_or_refuse(load, folder: Path) -> str | None:
    """What the reader says, one line; None where it reads."""
    try:
        load(folder)
    except HeadwayError as error:
        said = str(error)
    else:
        return None
    assert "\n" not in said
    return said


@pytest.mark.parametrize("harm", DAMAGE)
def test_a_damaged_run_does_not_hide_the_others(tmp_path, harm) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run(tmp_path / name)
    (tmp_path / "a" / "config.json").write_bytes(DAMAGE[harm])
    (tmp_path / "a" / "metrics.jsonl").write_bytes(b'{"step": 1}\n' + DAMAGE[harm] + b'\n{"step": 2, "loss": 1}\n')
    first, second = list_runs(tmp_path)
    assert second.config().steps == 3
    assert [row["step"] for row in first.metrics()] == [1, 2]

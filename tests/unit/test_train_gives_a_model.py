"""What `headway train` leaves behind can be used, whatever it was trained on."""

from __future__ import annotations

import json

import pytest

from headway.cli.train import train
from headway.evals.house import translate
from headway.zoo import load

SMALL = ("steps=2", "batch=2", "eval_rows=2", "threads=1")


@pytest.mark.parametrize("tokens", ["characters", "bytes", "bpe:270"])
def test_a_model_of_text_comes_with_its_tokenizer(tmp_path, tokens):
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat, and the dog sat on the cat. " * 40)
    sizes = ("model.n_layer=1", "model.n_head=1", "model.width=8", "data.context=8")
    changes = (*SMALL, *sizes, f"data.text={text}", f"data.tokens={tokens}")
    assert train("char-gpt", changes=changes, into=tmp_path / "runs") == 0
    (run,) = (tmp_path / "runs").iterdir()
    loaded = load(run / "model")
    ids = loaded.encode("the cat")
    assert loaded.words.decode(ids) == "the cat"
    assert max(ids) < loaded.model.config.vocab_size


@pytest.mark.parametrize("preset", ["numbers-gru", "numbers-transformer"])
def test_a_translator_says_how_a_target_begins_and_ends(tmp_path, preset):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("".join(f"{'ab' * n}\t{'c' * n}\n" for n in range(1, 30)))
    sizes = ("model.width=8", "data.context=80")
    sizes += ("model.state=8",) if preset == "numbers-gru" else ("model.n_layer=1", "model.n_head=1")
    assert train(preset, changes=(*SMALL, *sizes, f"data.pairs={pairs}"), into=tmp_path / "runs") == 0
    (run,) = (tmp_path / "runs").iterdir()
    loaded = load(run / "model")
    facts = json.loads((run / "model" / "config.json").read_text())
    ends = [facts[f"{name}_token_id"] for name in ("pad", "decoder_start", "eos")]
    assert ends == [loaded.words.vocab_size + n for n in range(3)]
    assert len(translate(loaded, ["ab", "abab"])) == 2

"""What a generation_config.json says about writing is done, or refused by its name (`tests/parity/test_beam.py` compares)."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from support.checkpoints import ids_of, save

from headway import use, zoo
from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.models.seq2seq import Seq2Seq, Seq2SeqConfig
from headway.sample.prescribed import REFUSED, Prescribed


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_done_is_refused_by_its_name(name: str) -> None:
    for neutral in (None, False, 0, 1):
        assert Prescribed.of({name: neutral}, "file", [1]) == Prescribed(stops=(1,))
    with pytest.raises(Unsupported, match=f"file sets {name} to"):
        Prescribed.of({name: [[3]]}, "file", [1])


@pytest.mark.parametrize(
    "facts",
    [
        {"no_repeat_ngram_size": "3"},
        {"no_repeat_ngram_size": -1},
        {"min_length": 2.5},
        {"repetition_penalty": 0},
        {"repetition_penalty": True},
        {"bad_words_ids": [3]},
        {"bad_words_ids": [[]]},
        {"suppress_tokens": 3},
        {"begin_suppress_tokens": ["a"]},
        {"forced_bos_token_id": [2]},
        {"forced_bos_token_id": 2, "suppress_tokens": [2, 3]},
    ],
)
def test_a_value_of_the_wrong_kind_is_one_line(facts: dict) -> None:
    with pytest.raises(Corrupt, match=next(iter(facts))) as caught:
        Prescribed.of(facts, "file", [1])
    assert "\n" not in str(caught.value)


def test_what_is_drawn_and_how_long_a_text_may_be_is_for_the_caller() -> None:
    facts = {"do_sample": True, "temperature": 0.3, "top_k": 5, "max_length": 20, "forced_eos_token_id": 1}
    assert Prescribed.of(facts, "file", []) == Prescribed()
    scores = torch.randn(2, 7)
    assert torch.equal(Prescribed().apply(scores, torch.zeros(2, 3, dtype=torch.long)), scores)


def test_a_rewriting_model_does_what_its_folder_says(tmp_path) -> None:
    folder = save(Seq2Seq(Seq2SeqConfig(vocab_size=258, width=6, state=7)), tmp_path / "m", "<s>", "</s>")
    (folder / "tokenizer_config.json").write_text('{"bos_token": "<s>", "eos_token": "</s>"}')
    loaded = zoo.load(str(folder))
    plain = use.rewrite(loaded, "hello", max_tokens=6)
    assert len(set(plain.ids)) < 6  # it says something twice

    def told(**facts):
        (folder / "generation_config.json").write_text(json.dumps(facts))
        return use.rewrite(loaded, "hello", max_tokens=6)

    once = told(no_repeat_ngram_size=1)
    assert len(set(once.ids)) == len(once.ids)
    drawn = use.rewrite(loaded, "hello", max_tokens=6, sampling=use.Sampling(temperature=0.1), seed=1)
    assert len(set(drawn.ids)) == len(drawn.ids)
    first = ids_of("q", 2)[0]
    assert told(forced_bos_token_id=first).ids[0] == first
    assert first not in told(forced_bos_token_id=None, suppress_tokens=[first]).ids
    with pytest.raises(HeadwayError, match=r"generation_config\.json sets num_beam_groups"):
        told(num_beam_groups=2)
    (folder / "generation_config.json").unlink()
    # What the caller asks for counts with beams as well.
    asked = dataclasses.replace(use.GREEDY, no_repeat_ngram=1)
    found = use.rewrite(loaded, "hello", max_tokens=6, sampling=asked)
    assert len(set(found.ids)) == len(found.ids)

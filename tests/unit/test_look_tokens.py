"""Each token's probability is the model's own; a masked model is asked one token at a time."""

from __future__ import annotations

import math

import pytest
import torch
from support.looked import TEXT, TINIES, target_of, tiny

from headway import look
from headway.base.errors import HeadwayError
from headway.use.texts import ids_of

SPEAKING = [(name, n) for name, n in TINIES if name not in ("bert", "roberta")]


@pytest.mark.parametrize(("name", "n"), SPEAKING)
def test_a_decoder_is_surprised_by_each_token_given_those_before(name, n):
    loaded = tiny(name, n)
    found = look.trace(loaded, TEXT, target=target_of(loaded))
    picture = look.tokens(loaded, TEXT, target=target_of(loaded), k=3)
    p = found.logits.float().softmax(-1)
    ids = found.feed.ids.tolist()
    assert picture.way == "next"
    assert len(picture.texts) == len(ids) + 1
    assert picture.texts[-1] == ""
    assert math.isnan(picture.probabilities[0])
    assert picture.alternatives[0] == ()
    for t in range(1, len(ids)):
        own = p[t - 1, ids[t]]
        torch.testing.assert_close(picture.probabilities[t], own)
        torch.testing.assert_close(picture.surprisals[t], -own.log2())
        assert picture.ranks[t] == int((p[t - 1] > own).sum()) + 1
    torch.testing.assert_close(picture.alternative_probabilities[1:], p.topk(3).values)
    torch.testing.assert_close(picture.entropies[1:], torch.distributions.Categorical(p).entropy() / math.log(2))
    loss = torch.nn.functional.cross_entropy(found.logits[:-1].float(), found.feed.ids[1:])
    assert picture.perplexity == pytest.approx(math.exp(loss), rel=1e-5)


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_masked_model_sees_all_but_the_token(name):
    loaded = tiny(name, 0)
    picture = look.tokens(loaded, TEXT)
    ids, gap = ids_of(loaded, TEXT), loaded.words.id_of("[MASK]")
    assert picture.way == "masked"
    assert picture.texts == tuple(TEXT)
    for t in range(ids.shape[1]):
        hidden = ids.clone()
        hidden[0, t] = gap
        out = loaded.model(hidden)
        p = (out[0] if isinstance(out, tuple) else out)[0, t].float().softmax(-1)
        torch.testing.assert_close(picture.probabilities[t], p[ids[0, t]])
        torch.testing.assert_close(picture.alternative_probabilities[t], p.topk(5).values)


def test_a_mask_of_the_text_is_a_gap_without_a_right_answer():
    loaded = tiny("bert", 0)
    sign = loaded.words.alphabet[-1]
    picture = look.tokens(loaded, f"ab{sign}d")
    assert picture.ranks[2] == 0
    assert math.isnan(picture.probabilities[2])
    assert len(picture.alternatives[2]) == 5


def test_edits_change_what_is_said_and_sentence_encoders_are_refused():
    loaded = tiny("llama")
    plain, changed = look.tokens(loaded, TEXT), look.tokens(loaded, TEXT, edits=[look.Off(1)])
    assert changed.edits == ("layer 1 off",)
    assert plain.bits != changed.bits
    with pytest.raises(HeadwayError, match="without the head that guesses words"):
        look.tokens(tiny("bert", 4), TEXT)


def test_one_token_alone_has_no_surprise():
    picture = look.tokens(tiny("gpt2"), "a")
    assert math.isnan(picture.bits)
    assert picture.as_dict()["bits"] is None
    assert len(picture.alternatives[1]) == 5

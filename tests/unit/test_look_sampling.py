"""The dials: what the picture shows after the last of them is what `Sampling` draws from."""

from __future__ import annotations

import itertools

import pytest
import torch
from support.looked import TEXT, TINIES, target_of, tiny

from headway import look
from headway.base.errors import HeadwayError
from headway.sample.filters import Sampling

SETTINGS = [
    Sampling(),
    Sampling(temperature=0.6, top_k=7, top_p=0.8, min_p=0.02, repetition_penalty=1.3, no_repeat_ngram=2),
    Sampling(temperature=1.7, top_p=0.5),
    Sampling(top_k=3, min_p=0.3),
    Sampling(temperature=0.0, top_k=5, repetition_penalty=2.0),
]
SPEAKING = [(name, n) for name, n in TINIES if name not in ("bert", "roberta")]


@pytest.mark.parametrize(("name", "n"), SPEAKING)
def test_the_last_step_is_what_is_drawn_from(name, n):
    loaded = tiny(name, n)
    found = look.trace(loaded, TEXT, target=target_of(loaded))
    logits, ids = found.logits[-1:].float(), found.feed.ids[None]
    order = logits[0].argsort(descending=True, stable=True)
    for dials in SETTINGS:
        picture = look.sampling(loaded, TEXT, target=target_of(loaded), dials=dials, n=9)
        drawn = dials.filtered(logits, ids).softmax(-1)[0]
        if dials.temperature == 0:
            drawn = torch.zeros_like(drawn).index_fill(0, dials.choose(logits, ids), 1.0)
        torch.testing.assert_close(picture.steps[-1].probabilities, drawn[order[:9]])
        assert picture.steps[-1].kept == int((drawn > 0).sum())
        torch.testing.assert_close(picture.steps[0].probabilities, logits.softmax(-1)[0, order[:9]])
        assert torch.equal(picture.logits, logits[0, order])


def test_what_a_step_removes_is_the_probability_that_its_tokens_had():
    loaded = tiny("gpt2")
    dials = Sampling(top_k=6, top_p=0.7)
    picture = look.sampling(loaded, TEXT, dials=dials, n=31)
    for before, after in itertools.pairwise(picture.steps):
        gone = (after.probabilities == 0) & (before.probabilities > 0)
        assert after.removed == pytest.approx(float(before.probabilities[gone].sum()), abs=1e-6)
    assert [step.dial for step in picture.steps] == ["model", "top_k", "top_p"]


def test_the_tokens_said_and_those_that_would_repeat_are_told_by_their_place():
    loaded = tiny("llama")
    picture = look.sampling(loaded, "abcab", n=31)
    assert {picture.words[place] for place in picture.said} == set("abc")
    assert {picture.words[place] for place in picture.repeats[2]} == {"c"}
    assert {picture.words[place] for place in picture.repeats[3]} == {"c"}
    assert picture.repeats[4] == ()


def test_masked_models_are_not_sampled():
    with pytest.raises(HeadwayError, match="does not go on with a text"):
        look.sampling(tiny("bert", 0), TEXT)

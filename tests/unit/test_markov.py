"""The generated language: its probabilities, its entropies against brute force, and its samples against both."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.data.markov import MarkovText


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 8), st.integers(0, 10_000), st.floats(0, 1), st.floats(0.3, 8))
def test_entropies_are_ordered_and_the_chain_is_stationary(symbols, seed, far, peak):
    language = MarkovText(symbols, seed=seed, far=far, peak=peak)
    assert torch.allclose(language.table.sum(-1), torch.ones(symbols, symbols, dtype=torch.float64))
    pairs = language.pairs
    assert torch.allclose(torch.einsum("ab,abc->bc", pairs, language.table), pairs, atol=1e-10)
    assert torch.allclose(pairs.sum(0), pairs.sum(1), atol=1e-10)
    assert math.log(symbols) + 1e-9 >= language.unigram_entropy
    assert language.unigram_entropy + 1e-9 >= language.bigram_entropy >= language.entropy_rate - 1e-9
    assert language.entropy_rate >= 0


def test_the_entropy_rate_is_what_a_long_text_costs_under_the_true_probabilities():
    language = MarkovText(12, seed=3)
    text = language.sample(400, 200, torch.Generator().manual_seed(0))
    logs = language.table[text[:, :-2], text[:, 1:-1], text[:, 2:]].log()
    assert -logs.mean().item() == pytest.approx(language.entropy_rate, abs=0.02)
    counts = torch.bincount(text.flatten(), minlength=12).double()
    shares = counts / counts.sum()
    assert -torch.xlogy(shares, shares).sum().item() == pytest.approx(language.unigram_entropy, abs=0.02)


def test_a_seed_is_a_language_and_a_generator_a_text():
    one, same, other = MarkovText(seed=1), MarkovText(seed=1), MarkovText(seed=2)
    assert torch.equal(one.table, same.table)
    assert not torch.equal(one.table, other.table)
    draw = torch.Generator().manual_seed(5)
    text = one.sample(3, 10, draw)
    assert text.shape == (3, 10)
    assert text.dtype == torch.int64
    assert torch.equal(text, same.sample(3, 10, torch.Generator().manual_seed(5)))
    assert not torch.equal(text, one.sample(3, 10, draw))
    with pytest.raises(ValueError, match="two symbols"):
        MarkovText(1)

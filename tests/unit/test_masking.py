"""BERT's 15 % and 80/10/10: counts that are exact, places that are even, nothing asked that must not be."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.base.errors import HeadwayError
from headway.train.losses import IGNORE
from headway.train.masking import Masking, hide, round_fairly

WORDS, MASK = 50, 50
few = settings(max_examples=40, deadline=None)


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(b: int, t: int, seed: int, share: float = 1.0):
    tokens = torch.randint(WORDS, (b, t), generator=random(seed))
    candidates = torch.rand(b, t, generator=random(seed + 1)) < share
    return tokens, candidates


@few
@given(
    b=st.integers(1, 6), t=st.integers(1, 40), rate=st.floats(0.01, 1), share=st.floats(0, 1), seed=st.integers(0, 999)
)
def test_counts_are_exact_and_nothing_else_changes(b, t, rate, share, seed):
    tokens, candidates = draw(b, t, seed, share)
    inputs, targets = hide(tokens, candidates, Masking(mask_id=MASK, words=WORDS, rate=rate), random(seed))
    n, chosen = int(candidates.sum()), targets != IGNORE
    k = int(chosen.sum())
    assert k == min(n, 1) or abs(k - rate * n) < 1
    assert not (chosen & ~candidates).any()
    assert torch.equal(targets[chosen], tokens[chosen])
    assert torch.equal(inputs[~chosen], tokens[~chosen])
    masked = int((inputs == MASK).sum())
    assert abs(masked - 0.8 * k) < 1
    kept_or_random = k - masked
    changed = int((inputs[chosen] != tokens[chosen]).sum()) - masked
    assert changed <= kept_or_random
    assert abs(masked + (kept_or_random) - k) == 0
    assert (inputs[inputs != MASK] < WORDS).all()


def test_a_whole_batch_has_the_shares_of_the_paper_to_the_token():
    tokens = torch.zeros(100, 200, dtype=torch.long)  # all 0, so that a random word shows 49 times of 50
    inputs, targets = hide(
        tokens, torch.ones_like(tokens, dtype=torch.bool), Masking(mask_id=MASK, words=WORDS), random(0)
    )
    assert int((targets != IGNORE).sum()) == 3000
    counts = Counter(inputs[targets != IGNORE].tolist())
    assert counts[MASK] == 2400
    assert counts[0] == 300 + (300 - sum(n for word, n in counts.items() if word not in (MASK, 0)))
    assert 270 <= sum(n for word, n in counts.items() if word not in (MASK, 0)) <= 300


def test_expectations_are_exact_where_counts_cannot_be():
    # 7 candidates: 1.05 chosen on average, of which 0.84 masked, 0.105 random, 0.105 kept.
    tokens = torch.zeros(1, 7, dtype=torch.long)
    everything = torch.ones_like(tokens, dtype=torch.bool)
    masking = Masking(mask_id=1000, words=10**6)
    generator, chosen, masked, randomised, places, trials = random(3), 0, 0, 0, Counter(), 3_000
    for _ in range(trials):
        inputs, targets = hide(tokens, everything, masking, generator)
        asked = targets != IGNORE
        places.update(asked[0].nonzero().flatten().tolist())
        chosen += int(asked.sum())
        masked += int((inputs == 1000).sum())
        randomised += int(((inputs != 1000) & (inputs != 0)).sum())
    for found, expected in ((chosen, 1.05), (masked, 0.84), (randomised, 0.105)):
        assert found / trials == pytest.approx(expected, abs=4 * (expected / trials) ** 0.5)
    assert all(n == pytest.approx(chosen / 7, abs=4 * (chosen / 7) ** 0.5) for n in places.values())  # evenly spread


@few
@given(st.lists(st.floats(0, 30), min_size=1, max_size=5).map(sorted), st.integers(0, 99))
def test_fair_rounding_is_rising_and_within_one(numbers, seed):
    rounded = round_fairly(*numbers, generator=random(seed))
    assert rounded == sorted(rounded)
    assert all(number - 1 < whole < number + 1 for number, whole in zip(numbers, rounded, strict=True))


def test_no_candidates_no_targets():
    tokens = torch.zeros(2, 3, dtype=torch.long)
    inputs, targets = hide(tokens, torch.zeros_like(tokens, dtype=torch.bool), Masking(mask_id=9, words=5), random(0))
    assert torch.equal(inputs, tokens)
    assert (targets == IGNORE).all()


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"rate": 1.5}, {"masked": 0.9, "random": 0.2}, {"random": -0.1}])
def test_shares_that_are_none_are_refused(wrong):
    with pytest.raises(HeadwayError):
        Masking(mask_id=1, words=1, **wrong)

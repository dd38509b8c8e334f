"""`look.by_hand`: the example of the attention lesson, its numbers those of the equation worked out without our code."""

from __future__ import annotations

import math

import pytest

from headway import look
from headway.base.errors import HeadwayError

KEYS = {"animal": (1, 1), "street": (1, -1), "because": (-1, 0)}
VALUES = {"animal": (2, 1), "street": (-2, 1), "because": (0, -2)}


def test_scores_shares_and_average_are_those_of_the_equation():
    found = look.by_hand("it", (1, 2), KEYS, VALUES)
    assert found.scores.tolist() == [3, -1, -1]
    powers = [math.exp(score / math.sqrt(2)) for score in (3, -1, -1)]
    shares = [power / sum(powers) for power in powers]
    assert found.weights.tolist() == pytest.approx(shares)
    average = [sum(share * value[i] for share, value in zip(shares, VALUES.values(), strict=True)) for i in (0, 1)]
    assert found.result.tolist() == pytest.approx(average)
    assert "it gets (1.68, 0.84)" in str(found)


def test_a_query_of_nothing_takes_from_all_alike():
    assert look.by_hand("it", (0, 0), KEYS, VALUES).weights.tolist() == pytest.approx([1 / 3] * 3)


def test_keys_and_values_belong_to_the_same_words():
    with pytest.raises(HeadwayError, match="same words"):
        look.by_hand("it", (1, 2), KEYS, {"animal": (2, 1)})


@pytest.mark.parametrize("ending", ["json", "html", "svg"])
def test_it_is_saved_like_every_picture(ending, tmp_path):
    path = look.by_hand("it", (1, 2), KEYS, VALUES).save(tmp_path / f"hand.{ending}")
    assert "because" in path.read_text(encoding="utf-8")

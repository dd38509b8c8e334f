"""Bytes of caches are those that real caches have, and lines cross where it is said."""

from __future__ import annotations

import pytest
import torch
from support.looked import TINIES, tiny

from headway import look
from headway.base.errors import HeadwayError

SPEAKING = [(name, n) for name, n in TINIES if name not in ("bert", "roberta")]


@pytest.mark.parametrize(("name", "n"), SPEAKING)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_bytes_are_those_of_a_real_cache_and_of_real_weights(name, n, dtype):
    loaded = tiny(name, n, dtype=dtype)
    picture = look.memory(loaded, longest=40, batch=2)
    (need,) = picture.models
    assert picture.lengths == (1, 2, 4, 8, 16, 32, 40)
    assert need.cache == tuple(loaded.model.new_cache(2, room).nbytes for room in picture.lengths)
    assert need.weights == sum(weight.nbytes for weight in loaded.model.parameters())
    assert need.dtype == str(dtype).removeprefix("torch.")


def test_a_preset_has_the_bytes_of_its_paper():
    """Llama 2 70B keeps 8 of 64 heads: 80 layers, keys and values, 8 heads of 128 numbers of two bytes, for each token."""
    picture = look.memory(["llama2-70b", "llama-7b"], longest=4096)
    assert picture.models[0].cache[-1] == 4096 * 80 * 2 * 8 * 128 * 2
    assert picture.models[1].cache[-1] == 4096 * 32 * 2 * 32 * 128 * 2
    assert picture.models[0].weights == pytest.approx(70e9 * 2, rel=0.03)


def test_lines_cross_where_it_is_said():
    names = ["llama-7b", "mamba-2.8b", "mistral-7b", "llama3.1-8b"]
    picture = look.memory(names, longest=20_000)
    one = {name: {} for name in names}

    def bytes_at(name, length):
        if length not in one[name]:
            one[name][length] = look.memory(name, longest=length).models[0].cache[-1]
        return one[name][length]

    assert picture.crossings
    for crossing in picture.crossings:
        assert bytes_at(crossing.larger, crossing.length) > bytes_at(crossing.smaller, crossing.length)
        assert bytes_at(crossing.larger, crossing.length - 1) <= bytes_at(crossing.smaller, crossing.length - 1)
    pairs = {(crossing.larger, crossing.smaller) for crossing in picture.crossings}
    assert ("llama-7b", "mamba-2.8b") in pairs
    assert ("llama3.1-8b", "mistral-7b") in pairs, "alike, until the window is full"
    weights = picture.models[0].equals_weights
    assert weights is None or bytes_at("llama-7b", weights) > picture.models[0].weights


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ("llama-7", "llama-7b"),
        ("small", "gru/small"),
        ("bert-base", "keeps no cache"),
        ([], "at least one"),
    ],
)
def test_what_has_no_cache_or_no_name_is_refused(models, words):
    with pytest.raises(HeadwayError, match=words):
        look.memory(models, longest=4)


def test_the_terminal_holds_as_many_models_as_fit():
    picture = look.memory(["llama-7b", "mamba-2.8b", "mistral-7b", "qwen3-8b"][:3], longest=64)
    for width in (60, 100):
        assert max(line.cell_len for line in picture.lines(width)) <= width
    assert "524 kB" in str(picture)

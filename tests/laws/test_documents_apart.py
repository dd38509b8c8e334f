"""Several texts in one row: each has the logits and gradients it has alone, or the model says that it cannot."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.inputs import like
from support.numerics import DEVICE, close, few, make
from support.tiny import TINY

from headway.base.errors import HeadwayError
from headway.blocks.cache import KVCache
from headway.blocks.documents import apart, pack, positions_in_documents
from headway.models.catalog import CATALOG

CONFIGURATIONS = [(name, n) for name, e in CATALOG.items() if e.kind == "decoder" for n in range(len(TINY[name]))]


def packed_row(lengths: list[int], model, seed: int):
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randint(model.config.vocab_size, (1, length), generator=generator) for length in lengths]
    texts = [like(model, text) for text in drawn]
    documents = torch.cat([torch.full_like(text, n + 1) for n, text in enumerate(texts)], dim=1)
    return texts, torch.cat(texts, dim=1), documents


@few(4)
@given(lengths=st.lists(st.integers(1, 9), min_size=2, max_size=4), seed=st.integers(0, 99))
def test_each_text_of_a_row_is_the_text_alone(name, n, numerics, lengths, seed):
    model = make(name, n, numerics)
    texts, row, documents = packed_row(lengths, model, seed)
    alone = torch.cat([model(text) for text in texts], dim=1)
    if not isinstance(model.new_cache(1, 4), KVCache):
        with pytest.raises(HeadwayError, match="keep packed texts apart"), apart(documents):
            model(row)
        return
    with apart(documents):
        together = model(row)
    close(together, alone)


def test_without_it_there_is_a_leak():
    model = make("llama", 0)
    texts, row, _ = packed_row([5, 6], model, 0)
    assert (model(row)[:, 5:] - model(texts[1])).abs().max() > 1e-3


def test_gradients_of_packed_texts_are_the_sum_of_those_alone():
    model = make("gpt2", 0)
    texts, row, documents = packed_row([4, 7, 3], model, 1)
    sum(model(text).square().sum() for text in texts).backward()
    wanted = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    with apart(documents):
        model(row).square().sum().backward()
    for name, parameter in model.named_parameters():
        close(parameter.grad, wanted[name], name)


def test_what_does_not_go_together_is_refused():
    model = make("gpt2", 0)
    tokens = torch.zeros(1, 4, dtype=torch.long, device=DEVICE)
    for documents, call in (
        (tokens, lambda: model(tokens, model.new_cache(1, 8))),
        (tokens, lambda: model(tokens, mask=torch.tensor([[False, True, True, True]], device=DEVICE))),
        (tokens[:, :3], lambda: model(tokens)),
    ):
        with pytest.raises(HeadwayError), apart(documents):
            call()
    model(tokens)  # and afterwards nothing is left of it
    with pytest.raises(HeadwayError, match="inside one another"), apart(tokens), apart(tokens):
        pass


@given(st.lists(st.lists(st.integers(1, 3), min_size=6, max_size=6), min_size=1, max_size=3))
def test_positions_start_anew_with_each_text(rows):
    found = positions_in_documents(torch.tensor(rows))
    for row, positions in zip(rows, found.tolist(), strict=True):
        for place, position in enumerate(positions):
            start = place - position
            assert len(set(row[start : place + 1])) == 1
            assert start == 0 or row[start - 1] != row[start]


@given(st.lists(st.integers(1, 20), max_size=40), st.integers(20, 30))
def test_packing_keeps_every_text_once_and_no_row_too_long(lengths, room):
    rows = pack(lengths, room)
    assert sorted(text for row in rows for text in row) == list(range(len(lengths)))
    assert all(0 < sum(lengths[text] for text in row) <= room for row in rows)
    full = sum(lengths)
    assert len(rows) <= max(1, 2 * full // room + 1)  # best fit leaves at most one row less than half full


def test_packing_fills_rows_almost_to_the_brim():
    draw = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 60, (2000,), generator=draw).tolist()
    assert sum(lengths) / (64 * len(pack(lengths, 64))) > 0.98


def test_a_text_too_long_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        pack([5, 9], 8)

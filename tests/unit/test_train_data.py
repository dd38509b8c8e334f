"""Rows: the same every time, each token once per epoch, shares that make up the whole, pairs that are what they were."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.training import small, some_text

from headway.base.errors import HeadwayError
from headway.data.pairs import PAIRS, in_words, load_pairs
from headway.train.config import from_dict
from headway.train.data import Batch, Packed, Pairs, Stream, map_ids, open_source, read_material
from headway.train.losses import IGNORE
from headway.train.words import load_words, make_words, save_words

few = settings(max_examples=15, deadline=None)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HEADWAY_CACHE", str(tmp_path / "cache"))


def stream(n: int = 1000, context: int = 8, order: str = "shuffled", seed: int = 0) -> Stream:
    return Stream(np.arange(n), np.arange(n, n + 200), context=context, seed=seed, order=order, masking=None)


@few
@given(context=st.integers(2, 20), seed=st.integers(0, 9), batch=st.integers(1, 7))
def test_an_epoch_reads_rows_that_do_not_overlap_and_almost_everything(context, seed, batch):
    source = stream(context=context, seed=seed)
    rows = torch.cat([source.batch(n, 1).tokens for n in range(source.examples)])
    seen = Counter(rows.flatten().tolist())
    assert max(seen.values()) == 1
    assert len(seen) > 1000 - 2 * context - 2
    second = source.batch(source.examples, batch)
    assert second.tokens.tolist() != rows[:batch].tolist()


@few
@given(order=st.sampled_from(["shuffled", "random"]), first=st.integers(0, 500), rows=st.integers(1, 9))
def test_row_n_is_always_the_same(order, first, rows):
    one, other = stream(order=order), stream(order=order)
    other.batch(3, 2)  # what was asked before does not matter
    assert torch.equal(one.batch(first, rows).tokens, other.batch(first, rows).tokens)
    assert torch.equal(one.batch(first, rows).targets, one.batch(first, rows).tokens + 1)


@few
@given(rows=st.integers(1, 11), parts=st.integers(1, 5))
def test_parts_make_up_the_batch(rows, parts):
    batch = stream().batch(0, rows)
    assert torch.equal(torch.cat([batch.part(n, parts).tokens for n in range(parts)]), batch.tokens)


def test_held_out_rows_are_fixed_and_never_trained_on():
    source = stream()
    one, other = source.held_out(5, 2), source.held_out(5, 2)
    assert [batch.tokens.tolist() for batch in one] == [batch.tokens.tolist() for batch in other]
    assert sum(map(len, one)) == 5
    everything = torch.cat([batch.tokens.flatten() for batch in source.held_out(0, 4)])
    assert everything.min() >= 1000
    assert len(everything) == 8 * (199 // 8)


def packed(documents: list[list[int]], context: int) -> Packed:
    ids, ends = np.concatenate([np.array(d) for d in documents]), np.cumsum([len(d) for d in documents])
    return Packed(ids, ends, ids, ends, context=context, seed=0)


@few
@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=12), context=st.integers(2, 12))
def test_packed_rows_hold_every_document_and_ask_nothing_across_a_border(lengths, context):
    if max(lengths) < 2:
        return
    documents = [[100 * n + place for place in range(length)] for n, length in enumerate(lengths)]
    source = packed(documents, context)
    asked = Counter()
    for n in range(source.examples):
        batch = source.batch(n, 1)
        tokens, targets, numbers = batch.tokens[0], batch.targets[0], batch.documents[0]
        for column in (targets != IGNORE).nonzero().flatten().tolist():
            assert targets[column] == tokens[column + 1] == tokens[column] + 1  # the next token of the same document
            assert numbers[column] == numbers[column + 1] > 0
            asked[int(targets[column])] += 1
    assert set(asked.values()) == {1}
    pieces = [min(context, length - at) for length in lengths for at in range(0, length, context)]
    assert len(asked) == sum(piece - 1 for piece in pieces)


def test_pairs_are_padded_and_marked():
    words = make_words("characters", "abc", "seq2seq")
    pad, start, end = (words.special[name] for name in ("pad", "start", "end"))
    source = Pairs([([0], [1, 2]), ([0, 1, 2], [2])], [([0], [1])], words=words, seed=0)
    batch = source.make([(0, 0), (0, 1)], torch.Generator())
    assert batch.source.tolist() == [[0, pad, pad], [0, 1, 2]]
    assert batch.source_mask.tolist() == [[True, False, False], [True, True, True]]
    assert batch.tokens.tolist() == [[start, 1, 2], [start, 2, pad]]
    assert batch.targets.tolist() == [[1, 2, end], [2, end, IGNORE]]
    assert batch.n_targets == 5
    assert batch.n_tokens == 9
    assert len({pad, start, end, 0, 1, 2}) == 6
    assert words.decode([0, end, 1]) == "ab"


def test_ids_are_mapped_from_the_disk_in_few_bytes(tmp_path):
    made = []

    def ids():
        made.append(1)
        return [1, 2, 70_000]

    first, again = map_ids(ids, "x"), map_ids(ids, "x")
    assert made == [1]
    assert isinstance(again, np.memmap)
    assert again.dtype == np.uint32
    assert first.tolist() == [1, 2, 70_000]
    assert map_ids(lambda: [5], "y").dtype == np.uint16
    (tmp_path / "cache" / "tokens" / "y.npy").write_bytes(b"torn")
    with pytest.raises(HeadwayError, match="delete it"):
        map_ids(lambda: [5], "y")


def test_a_small_text_and_its_tokenizer_come_back(tmp_path):
    for tokens in ("characters", "bytes", "bpe:280"):
        config = from_dict(small(some_text(tmp_path / "t.txt"), data__tokens=tokens))
        material = read_material(config)
        words = make_words(tokens, material.text, "causal")
        save_words(words, tmp_path)
        again = load_words(tmp_path, "causal")
        assert again.encode("the cat") == words.encode("the cat")
        assert again.decode(again.encode("the cat")) == "the cat"
        content = (tmp_path / "tokenizer.json").read_text()
        source, found = open_source(config, words, material, content)
        assert open_source(config, words, material, content)[1] == found
        assert words.decode(source.batch(0, 1).tokens[0].tolist()) in material.text


def test_somebody_elses_ids(tmp_path):
    np.save(tmp_path / "ids.npy", np.arange(2000, dtype=np.uint16) % 7)
    (np.arange(2000, dtype="<u2") % 7).tofile(tmp_path / "ids.bin")
    words = make_words("characters", "abcdefg", "causal")
    save_words(words, tmp_path)
    prints = set()
    for name in ("ids.npy", "ids.bin"):
        config = from_dict(small(tmp_path / name, data__tokens=str(tmp_path)))
        source, found = open_source(config, words, read_material(config), "x")
        prints.add(found)
        assert source.batch(0, 2).tokens.max() < 7
    assert len(prints) == 1
    with pytest.raises(HeadwayError, match=r"data.tokens has to name the tokenizer.json"):
        read_material(from_dict(small(tmp_path / "ids.npy")))


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        ("a\tb\nc", "x.tsv", "line 2: there should be two columns"),
        ("a\tb\nc\td\n", "x.tsv", "holds 2 pairs"),
        ('{"a": 1}\n', "x.jsonl", "line 1: there should be two columns"),
        ("a\tb", "missing.tsv", "is neither a file nor a set of pairs"),
    ],
)
def test_pairs_from_files_say_what_is_wrong(tmp_path, content, name, says):
    (tmp_path / name.replace("missing", "other")).write_text(content)
    with pytest.raises(HeadwayError) as error:
        load_pairs(tmp_path / name)
    assert says in str(error.value)


def test_pairs_from_files(tmp_path):
    (tmp_path / "a.tsv").write_text("\ufeffeins\tone\n\nzwei\ttwo\tmore\ndrei\tthree\nvier\tfour\n")
    assert load_pairs(tmp_path / "a.tsv")[1] == ("zwei", "two")
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"s": str(n), "t": n * n}) + "\n" for n in range(5)))
    assert load_pairs(tmp_path / "a.jsonl")[3] == ("3", "9")


def test_named_pairs_are_what_they_say():
    assert in_words(0) == "zero"
    assert in_words(115) == "one hundred and fifteen"
    assert in_words(12_006) == "twelve thousand and six"
    assert in_words(999_999) == "nine hundred and ninety-nine thousand nine hundred and ninety-nine"
    for name, (make, _) in PAIRS.items():
        pairs = make()
        assert pairs == make()
        assert len(pairs) >= 8_000, name
        again = {pair for pair, n in Counter(pairs).items() if n > 1}
        # Only small numbers stand there several times, and only where they are trained on (see `spoken_numbers`).
        assert all(name == "spoken-numbers" and int(target) < 100 for _, target in again), name
        assert not again & set(pairs[-2000:]), name
        assert len({source for source, _ in pairs}) == len(set(pairs)), name  # one source, one target
    assert Counter(label for _, label in load_pairs("brackets")) == {"balanced": 4_000, "unbalanced": 4_000}
    assert all(target == source[::-1] for source, target in load_pairs("reversal"))


def test_too_little_text_is_said():
    with pytest.raises(HeadwayError, match="give more text"):
        Stream(np.arange(10), np.arange(10), context=8, seed=0, order="shuffled", masking=None)


def test_a_batch_with_labels_is_cut_by_rows():
    batch = Batch(tokens=torch.zeros(4, 3, dtype=torch.long), targets=torch.arange(4))
    assert batch.part(1, 2).targets.tolist() == [2, 3]

"""Our byte-level BPE against `tokenizers`: training, ids, text back, and files, on hostile text."""

import importlib.util
import json
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from headway.base.errors import HeadwayError
from headway.tokens.bpe import BPE, GPT2_SPLIT

_spec = importlib.util.spec_from_file_location("hostile", Path(__file__).with_name("hostile.py"))
hostile = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hostile)

LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CORPUS = [
    "the cat sat on the mat, the dog didn't; 1234 5678 12 34 and the hat's there\n\n  the end.",
    "naïve café 日本語日本語 שלום שלום 👩‍👩‍👧‍👦👩‍👩‍👧‍👦 e\u0301e\u0301 ﬁﬁ \u202e\u202e\0\0\0 aaaaaaaaaaaaaaa abababab",
]


def reference(texts, size, specials=(), min_count=0):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(specials),
        min_frequency=min_count,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def merges_of(tokenizer):
    return [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]


@pytest.fixture(scope="module")
def pair():
    ours = BPE.train(CORPUS, 380, specials=["<|endoftext|>"])
    return ours, reference(CORPUS, 380, ["<|endoftext|>"])


@given(
    st.lists(st.one_of(hostile.HOSTILE, st.text("ab ", max_size=80), st.text("aé日", max_size=40)), max_size=6),
    st.integers(257, 420),
    st.integers(0, 3),
)
@settings(max_examples=80, deadline=None)
def test_training_is_equal(texts, size, min_count):
    ours = BPE.train(texts, size, specials=["<|endoftext|>"], min_count=min_count)
    theirs = reference(texts, size, ["<|endoftext|>"], min_count)
    assert ours.vocab == theirs.get_vocab()
    assert ours.merges == merges_of(theirs)


def test_training_is_equal_where_a_special_token_is_also_a_merge():
    texts = ["ab ab ab abc abc xab"]
    ours, theirs = BPE.train(texts, 262, specials=["ab"]), reference(texts, 262, ["ab"])
    assert ours.vocab == theirs.get_vocab()
    assert ours.merges == merges_of(theirs)


@given(hostile.HOSTILE)
@settings(max_examples=200, deadline=None)
def test_ids_and_text_are_equal(pair, text):
    ours, theirs = pair
    ids = ours.encode(text)
    assert ids == theirs.encode(text).ids
    assert ours.decode(ids, special=True) == text == theirs.decode(ids, skip_special_tokens=False)


@given(st.lists(st.integers(0, 358), max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_ids_give_the_same_text(pair, ids):
    """Broken UTF-8 included: as many U+FFFD, at the same places."""
    ours, theirs = pair
    assert ours.decode(ids, special=True) == theirs.decode(ids, skip_special_tokens=False)
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True)
    assert "".join(ours.pieces(iter(ids))) == ours.decode(ids)


@pytest.mark.parametrize("step", [61, pytest.param(1, marks=pytest.mark.slow)])
def test_every_plane(pair, step):
    ours, theirs = pair
    texts = hostile.every_character(step)
    for text, theirs_of_it in zip(texts, theirs.encode_batch(texts), strict=True):
        assert ours.encode(text) == theirs_of_it.ids


@given(hostile.HOSTILE, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_merges_in_any_order(pair, text, rng):
    """Merges need not come from training: shuffled, a pair may be learned before its halves are."""
    ours, _ = pair
    merges = ours.merges[:]
    rng.shuffle(merges)
    theirs = Tokenizer(models.BPE(vocab=ours.vocab, merges=merges))
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    assert BPE(ours.vocab, merges).encode(text) == theirs.encode(text).ids


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"splits": (r"\p{N}", GPT2_SPLIT)}, [pre_tokenizers.Digits(individual_digits=True)]),
        ({"splits": (LLAMA3_SPLIT,)}, [pre_tokenizers.Split(Regex(LLAMA3_SPLIT), "isolated")]),
        ({"prefix_space": True}, []),
        ({"normal_form": "NFC"}, []),
        ({"normal_form": "NFKD", "whole_words": True}, []),
    ],
    ids=["digits", "llama3", "prefix space", "nfc", "nfkd, whole words"],
)
def test_the_options_of_published_tokenizers(pair, options, steps):
    trained, _ = pair
    ours = BPE(trained.vocab, trained.merges, specials={"<|endoftext|>": 0}, **options)
    model = models.BPE(vocab=ours.vocab, merges=ours.merges, ignore_merges=ours.whole_words)
    theirs = Tokenizer(model)
    level = pre_tokenizers.ByteLevel(
        add_prefix_space=ours.prefix_space, use_regex=not (steps and isinstance(steps[0], pre_tokenizers.Split))
    )
    theirs.pre_tokenizer = pre_tokenizers.Sequence([*steps, level]) if steps else level
    if ours.normal_form:
        theirs.normalizer = getattr(normalizers, ours.normal_form)()
    theirs.add_special_tokens(["<|endoftext|>"])
    read_back = BPE.from_json(json.loads(theirs.to_str()))
    written = Tokenizer.from_str(json.dumps(ours.to_json()))

    @given(hostile.HOSTILE)
    @settings(max_examples=50, deadline=None)
    def same(text):
        ids = theirs.encode(text).ids
        assert ours.encode(text) == ids
        assert read_back.encode(text) == ids
        assert written.encode(text).ids == ids

    same()


def test_files_both_ways(pair, tmp_path):
    ours, theirs = pair
    ours.save(tmp_path / "ours")
    ours.save_pair(tmp_path / "pair")
    theirs.save(str(tmp_path / "theirs.json"))
    (tmp_path / "model").mkdir()
    theirs.model.save(str(tmp_path / "model"))
    text = "the naïve cat<|endoftext|> 日本語 1234\0 e\u0301"
    ids = theirs.encode(text).ids
    for path in (tmp_path / "ours", tmp_path / "pair", tmp_path / "theirs.json", tmp_path / "model"):
        again = BPE.load(path)
        assert again.encode(text) == ids
        assert (again.vocab, again.merges) == (ours.vocab, ours.merges)
    assert Tokenizer.from_file(str(tmp_path / "ours" / "tokenizer.json")).encode(text).ids == ids
    model = models.BPE.from_file(str(tmp_path / "pair" / "vocab.json"), str(tmp_path / "pair" / "merges.txt"))
    bare = Tokenizer(model)
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    assert bare.encode("the naïve cat").ids == ours.encode("the naïve cat")


@pytest.mark.parametrize(
    "word",
    ["a" * 1_000_000, "\0" * 1_000_000, " " * 999_999 + "x", "e\u0301" * 300_000, "the cat" * 100_000, "'" * 500_000],
    ids=["aaa", "NUL", "spaces", "combining", "words", "quotes"],
)
@pytest.mark.slow
def test_a_megabyte(pair, word):
    ours, theirs = pair
    start = time.perf_counter()
    ids = ours.encode(word)
    assert time.perf_counter() - start < 30
    assert ids == theirs.encode(word).ids
    assert ours.decode(ids) == word


def test_a_long_word(pair):
    ours, theirs = pair
    rng = random.Random(0)
    word = "".join(rng.choices("thecatsodg", k=100_000)) + "a" * 50_000
    assert ours.encode(word) == theirs.encode(word).ids


def test_a_lone_surrogate_is_no_character(pair):
    ours, theirs = pair
    assert ours.encode("a\ud83d\ude00b") == theirs.encode("a😀b").ids
    assert ours.encode("a\ud83db") == theirs.encode("a\ufffdb").ids
    assert ours.decode(ours.encode("\udcff")) == "\ufffd"


def test_a_vocabulary_without_all_bytes_says_so():
    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.train_from_iterator(["abc abc"], trainers.BpeTrainer(vocab_size=20, show_progress=False))
    ours = BPE.from_json(json.loads(theirs.to_str()))
    assert ours.encode("abc cab") == theirs.encode("abc cab").ids
    assert theirs.encode("é").ids == []  # where they drop it silently,
    with pytest.raises(HeadwayError, match="no token for the byte 0xC3"):
        ours.encode("é")  # we do not

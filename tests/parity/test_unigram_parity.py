"""Our unigram tokenizer against `tokenizers`: ids, text back, normalisation and files, on hostile text."""

import importlib.util
import json
import math
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from headway.tokens.unigram import Unigram, em_counts

_spec = importlib.util.spec_from_file_location("hostile", Path(__file__).with_name("hostile.py"))
hostile = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hostile)

CORPUS = [
    "the cat sat on the mat, the dog didn't; 1234 5678 and the hat's there. unbelievable unaffable the cats",
    "naïve café 日本語日本 שלום e\u0301 ﬁ ß ǆ 한국어 नमस्ते ไทย abcdefg ab bc cd de ef fg !?. $ sat on sat on",
]
BYTES = [(f"<0x{byte:02X}>", 0.0) for byte in range(256)]


def reference(vocab, *, unknown=0, byte_fallback=False, prepend="always", split=True, normalizer=None, specials=()):
    tokenizer = Tokenizer(models.Unigram(vocab, unknown, byte_fallback))
    space = {"prepend_scheme": prepend, "split": split}
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(**space)
    back = decoders.Metaspace(**space)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), back]) if byte_fallback else back
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.add_special_tokens(list(specials))
    return tokenizer


@pytest.fixture(scope="module")
def trained():
    return Unigram.train(CORPUS, 150, specials=["<unk>", "</s>"])


@pytest.fixture(scope="module")
def pair(trained):
    return trained, reference(trained.vocab, specials=["<unk>", "</s>"])


@given(hostile.HOSTILE)
@settings(max_examples=150, deadline=None)
def test_ids_and_text_are_equal(pair, text):
    ours, theirs = pair
    ids = ours.encode(text)
    assert ids == theirs.encode(text).ids
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)
    assert ours.decode(ids, specials=False) == theirs.decode(ids, skip_special_tokens=True)


@given(
    st.dictionaries(
        st.text("abc▁", min_size=1, max_size=5), st.sampled_from([-1.0, -2.0, -3.0, -0.5, -2.5, 0.0]), max_size=12
    ),
    st.text("abcd ", max_size=25),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_any_vocabulary_with_ties(scores, text, split):
    """Scores of few values, so that many cuts are equally good: the same one must win."""
    vocab = [("<unk>", 0.0), *scores.items()]
    ours, theirs = Unigram(vocab, split_words=split), reference(vocab, split=split)
    assert ours.encode(text) == theirs.encode(text).ids


@given(
    st.dictionaries(st.text("abc▁", min_size=1, max_size=4), st.floats(-30, 30), max_size=8),
    st.text("abcd▁ ", max_size=15),
    st.integers(0, 3),
)
@settings(max_examples=100, deadline=None)
def test_strange_scores_and_unknowns(scores, text, unknown):
    """Positive scores, the unknown in the middle of the vocabulary, pieces that spell a run of unknowns."""
    vocab = [("<unk>", 0.0), ("d", -50.0), ("dd", -90.0), ("ab", 1.0)]
    vocab += [(piece, score) for piece, score in scores.items() if piece not in ("ab",)]
    assert Unigram(vocab, unknown=unknown).encode(text) == reference(vocab, unknown=unknown).encode(text).ids


@given(hostile.HOSTILE)
@settings(max_examples=80, deadline=None)
def test_bytes_for_unknown(trained, text):
    vocab = trained.vocab + BYTES
    ours = Unigram(vocab, bytes_for_unknown=True, specials={"<unk>": 0})
    theirs = reference(vocab, byte_fallback=True, specials=["<unk>"])
    ids = ours.encode(text)
    assert ids == theirs.encode(text).ids
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)
    if "▁" not in text and not text.startswith(" "):
        assert ours.decode(ours.encode(text, specials=False)) == text  # no unknowns: nothing is lost


@given(st.lists(st.integers(0, 405), max_size=25))
@settings(max_examples=80, deadline=None)
def test_any_ids_give_the_same_text(trained, ids):
    ours = Unigram(trained.vocab + BYTES, bytes_for_unknown=True)
    theirs = reference(ours.vocab, byte_fallback=True)
    ids = [i for i in ids if i < ours.vocab_size]
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False) == "".join(ours.stream(iter(ids)))


@pytest.mark.parametrize("prepend", ["always", "first", "never"])
@pytest.mark.parametrize("steps", [("Nmt", "NFKC", "OneSpace"), ("NFD", "Lowercase")])
def test_the_options_of_published_tokenizers(trained, prepend, steps):
    theirs_of = {"OneSpace": normalizers.Replace(Regex(" {2,}"), " ")}
    chain = [theirs_of[step] if step in theirs_of else getattr(normalizers, step)() for step in steps]
    theirs = reference(
        trained.vocab, prepend=prepend, normalizer=normalizers.Sequence(chain), specials=["<unk>", "</s>"]
    )
    ours = Unigram(trained.vocab, steps=steps, prepend=prepend, specials={"<unk>": 0, "</s>": 1})
    read_back = Unigram.from_json(json.loads(theirs.to_str()))
    written = Tokenizer.from_str(json.dumps(ours.to_json()))

    @given(hostile.HOSTILE)
    @settings(max_examples=50, deadline=None)
    def same(text):
        ids = theirs.encode(text).ids
        assert ours.encode(text) == ids
        assert read_back.encode(text) == ids
        assert written.encode(text).ids == ids

    same()


@pytest.mark.parametrize("step", [211, pytest.param(1, marks=pytest.mark.slow)])
def test_every_plane(trained, step):
    steps = ("Nmt", "NFKC", "Lowercase")
    chain = normalizers.Sequence([getattr(normalizers, step)() for step in steps])
    vocab = trained.vocab + BYTES
    ours = Unigram(vocab, steps=steps, bytes_for_unknown=True)
    theirs = reference(vocab, normalizer=chain, byte_fallback=True)
    texts = hostile.every_character(step)
    for text, theirs_of_it in zip(texts, theirs.encode_batch(texts), strict=True):
        assert ours.encode(text) == theirs_of_it.ids


def test_long_words(pair):
    ours, theirs = pair
    rng = random.Random(0)
    for word in ("".join(rng.choices("thecatsondz", k=100_000)), "日" * 30_000, "sat" * 30_000, "\0" * 30_000):
        assert ours.encode(word) == theirs.encode(word).ids


@pytest.mark.slow
@pytest.mark.parametrize("word", ["a", "the cat", "e\u0301", "xyz", "日本"])
def test_a_megabyte(pair, word):
    ours, theirs = pair
    word *= 1_000_000 // len(word)
    assert ours.encode(word) == theirs.encode(word).ids


def test_the_vocabulary_explains_the_text_as_well_as_theirs():
    """Trainers differ in their heuristics, and theirs from run to run; what counts is the likelihood of the words."""
    rng = random.Random(1)
    stems = ["walk", "talk", "jump", "read", "sing", "paint", "play", "cook"]
    ends = ["", "s", "ed", "ing", "er", "ers", "able"]
    text = " ".join(
        rng.choice(["", "", "re", "un", "over"]) + rng.choice(stems) + rng.choice(ends) for _ in range(3000)
    )
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=60, show_progress=False, special_tokens=["<unk>"], unk_token="<unk>")
    tokenizer.train_from_iterator([text], trainer)
    theirs = Unigram.from_json(json.loads(tokenizer.to_str()))
    ours = Unigram.train([text], 60)
    assert ours.vocab_size == theirs.vocab_size == 60
    words = Counter(ours.words(text))

    def bits(tokenizer):
        scores = {piece: score for piece, score in tokenizer.vocab if piece != "<unk>"}
        total = math.log(sum(math.exp(score) for score in scores.values()))
        return -em_counts(words, {piece: score - total for piece, score in scores.items()})[1] / len(text) / math.log(2)

    assert bits(ours) < bits(theirs) * 1.02

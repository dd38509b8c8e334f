"""Unigram tokenization by its own laws: Viterbi is the best of all cuts, EM never loses likelihood, training is stable."""

import itertools
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.tokens import unigram
from headway.tokens.unigram import Unigram, em_counts, expected_counts, frequent_substrings, viterbi, with_beginnings

SCORES = st.dictionaries(st.text("abc", min_size=1, max_size=4), st.floats(-8, -0.1), min_size=1, max_size=10)
WORDS = st.text("abc", min_size=1, max_size=9)


def all_cuts(word, scores):
    """Every way to cut `word` into pieces, by brute force."""
    for inside in itertools.product([False, True], repeat=len(word) - 1):
        ends = [i + 1 for i, cut in enumerate(inside) if cut] + [len(word)]
        pieces = [word[a:b] for a, b in itertools.pairwise([0, *ends])]
        if all(piece in scores for piece in pieces):
            yield pieces


@given(WORDS, SCORES)
def test_viterbi_is_the_best_of_all_cuts(word, scores):
    scores = {"a": -5.0, "b": -5.0, "c": -5.0} | scores
    cut = viterbi(word, with_beginnings(scores), 4, -100.0)
    assert "".join(cut) == word
    best = max(sum(map(scores.get, pieces)) for pieces in all_cuts(word, scores))
    assert sum(map(scores.get, cut)) == pytest.approx(best, abs=1e-9)


@given(WORDS, SCORES)
@settings(max_examples=60)
def test_expected_counts_are_the_average_over_all_cuts(word, scores):
    scores = {"a": -5.0, "b": -5.0, "c": -5.0} | scores
    edges = [(i, j, word[i:j]) for i in range(len(word)) for j in range(i + 1, len(word) + 1) if word[i:j] in scores]
    counts, total = expected_counts(edges, len(word), scores)
    mass, expected = 0.0, Counter()
    for pieces in all_cuts(word, scores):
        p = math.exp(sum(map(scores.get, pieces)))
        mass += p
        for piece in pieces:
            expected[piece] += p
    assert total == pytest.approx(math.log(mass), abs=1e-9)
    assert counts.keys() == expected.keys()
    for piece in counts:
        assert counts[piece] == pytest.approx(expected[piece] / mass, rel=1e-9)


@given(st.dictionaries(WORDS, st.integers(1, 5), min_size=1, max_size=8))
@settings(max_examples=40)
def test_em_never_loses_likelihood(words):
    pieces = {word[i:j] for word in words for i in range(len(word)) for j in range(i + 1, min(len(word), i + 3) + 1)}
    scores = unigram._log_shares(dict.fromkeys(sorted(pieces), 1.0))
    before = -math.inf
    for _ in range(6):
        counts, likelihood = em_counts(words, scores)
        assert likelihood >= before - 1e-9 * abs(likelihood)
        scores, before = unigram._log_shares(counts), likelihood


def test_a_long_word_does_not_underflow():
    scores = {"a": -30.0, "aa": -59.0}
    word = "a" * 20_000
    counts, total = em_counts({word: 1}, scores)
    assert math.isfinite(total)
    assert counts["a"] + 2 * counts["aa"] == pytest.approx(20_000)


@given(st.dictionaries(st.text("ab", max_size=8), st.integers(1, 3), max_size=6))
def test_frequent_substrings(words):
    expected = Counter()
    for word, times in words.items():
        for i in range(len(word)):
            for j in range(i + 2, min(len(word), i + 5) + 1):
                expected[word[i:j]] += times
    assert frequent_substrings(words, 5) == {piece: n for piece, n in expected.items() if n > 1}


TEXTS = ["low lower lowest new newer newest slow slower slowest"] * 3


def test_training():
    first, again = Unigram.train(TEXTS, 22), Unigram.train(list(TEXTS), 22)
    assert first.vocab == again.vocab
    assert first.vocab_size == 22
    pieces = [piece for piece, _ in first.vocab]
    assert pieces[0] == "<unk>"
    assert set("▁lowernst") <= set(pieces)
    assert sum(math.exp(score) for _, score in first.vocab[1:]) == pytest.approx(1)
    assert first.token(first.encode("slowest")[0]) != "▁"
    assert first.decode(first.encode("lowest slowest newer")) == "lowest slowest newer"
    small, large = Unigram.train(TEXTS, 14), Unigram.train(TEXTS, 40)
    assert len(large.encode(TEXTS[0])) <= len(first.encode(TEXTS[0])) <= len(small.encode(TEXTS[0]))


def test_a_megabyte_of_one_letter_trains():
    tokenizer = Unigram.train(["a" * 1_000_000], 12)
    assert max(len(piece) for piece, _ in tokenizer.vocab if piece != "<unk>") > 4


def test_unknown_characters():
    tokenizer = Unigram([("<unk>", 0.0), ("▁", -1.0), ("a", -1.0)])
    assert tokenizer.encode("axxa") == [1, 2, 0, 2]
    assert tokenizer.decode(tokenizer.encode("a a")) == "a a"
    with pytest.raises(HeadwayError, match="no piece covers 'x'"):
        Unigram([("▁", -1.0), ("a", -1.0)], unknown=None).encode("axa")


def test_special_tokens_and_spaces():
    tokenizer = Unigram.train(TEXTS, 22, specials=["<unk>", "</s>"])
    assert tokenizer.encode("low</s>")[-1] == tokenizer.specials["</s>"]
    assert tokenizer.specials["</s>"] not in tokenizer.encode("low</s>", specials=False)
    assert tokenizer.encode("") == []
    assert tokenizer.words("a  b") == ["▁a", "▁", "▁b"]


def test_what_is_wrong_is_said():
    with pytest.raises(HeadwayError, match="too small"):
        Unigram.train(["abc"], 4)
    with pytest.raises(HeadwayError, match=r"write \[text\]"):
        Unigram.train("abc", 40)
    with pytest.raises(HeadwayError, match="specials is empty"):
        Unigram.train(["abc"], 40, specials=[])
    with pytest.raises(HeadwayError, match="unknown=3 is no id"):
        Unigram([("a", 0.0)], unknown=3)
    with pytest.raises(Unsupported, match="Precompiled"):
        Unigram([("a", 0.0)], steps=["Precompiled"])
    with pytest.raises(HeadwayError, match="id 7 is not in"):
        Unigram([("a", 0.0)]).decode([7])


SPACE = {"type": "Metaspace", "replacement": "▁"}


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (None, Corrupt, "no JSON object"),
        ({"model": {"type": "BPE"}}, Unsupported, "not Unigram"),
        ({"model": {"type": "Unigram", "vocab": []}}, Unsupported, "not Metaspace"),
        ({"model": {"type": "Unigram", "vocab": [["a"]]}, "pre_tokenizer": SPACE}, Corrupt, "pieces and scores"),
        ({"model": {"type": "Unigram", "vocab": {"a": 1}}, "pre_tokenizer": SPACE}, Corrupt, "pieces and scores"),
        (
            {"model": {"type": "Unigram", "vocab": [["a", math.nan]]}, "pre_tokenizer": SPACE},
            Corrupt,
            "pieces and scores",
        ),
        (
            {"model": {"vocab": [["a", 0]]}, "pre_tokenizer": SPACE, "normalizer": {"type": "Precompiled"}},
            Unsupported,
            "Precompiled",
        ),
    ],
)
def test_bad_tokenizer_files(content, error, words):
    with pytest.raises(error, match=words):
        Unigram.from_json(content)


def test_files(tmp_path):
    tokenizer = Unigram.train(TEXTS, 22, specials=["<unk>", "</s>"], steps=["NFKC"], prepend="first")
    tokenizer.save(tmp_path)
    again = Unigram.load(tmp_path)
    assert again.vocab == tokenizer.vocab
    assert again.encode("lower ﬁ</s> x") == tokenizer.encode("lower ﬁ</s> x")
    with pytest.raises(HeadwayError, match="there is no file"):
        Unigram.load(tmp_path / "absent")

"""WordPiece by its own laws, and what it says of bad files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.tokens.wordpiece import SPECIALS, WordPiece

VOCAB = {token: i for i, token in enumerate([*SPECIALS, "a", "ab", "b", "##b", "##c", "##bc", "##cab", "un", "##aff"])}
TOKENIZER = WordPiece(VOCAB)


@given(st.text("abc", min_size=1, max_size=12))
def test_a_word_is_cut_to_its_end_or_unknown(word):
    ids = TOKENIZER.encode_word(word)
    tokens = [TOKENIZER.token(i) for i in ids]
    if tokens != ["[UNK]"]:
        assert tokens[0] + "".join(t.removeprefix("##") for t in tokens[1:]) == word
        start = 0
        for n, token in enumerate(tokens):
            start += len(token.removeprefix("##"))
            prefix = "##" if n else ""
            longer = (prefix + token.removeprefix("##") + word[start:end] for end in range(start + 1, len(word) + 1))
            assert not any(t in VOCAB for t in longer)


def test_greedy_is_not_the_best():
    """'abcab' has no cut that starts with 'ab': greedy takes it all the same, and the word is unknown."""
    vocab = {"[UNK]": 0, "a": 1, "ab": 2, "##bc": 3}
    assert WordPiece(vocab).encode("abc") == [0]


def test_punctuation_case_and_accents():
    assert TOKENIZER.words("Don't STOP, Ünïcödé!") == ["don", "'", "t", "stop", ",", "unicode", "!"]
    assert WordPiece(VOCAB, lowercase=False).words("Ünï") == ["Ünï"]
    assert WordPiece(VOCAB, lowercase=False, strip_accents=True).words("Ünï") == ["Uni"]
    assert TOKENIZER.words("漢字x") == ["漢", "字", "x"]
    assert TOKENIZER.words("a\x00b\ufffdc\u200dd\te") == ["abcd", "e"]
    assert TOKENIZER.words("") == TOKENIZER.words(" \n\u3000") == []


def test_special_tokens_and_pairs():
    assert TOKENIZER.encode("ab [MASK]b") == [VOCAB["ab"], VOCAB["[MASK]"], VOCAB["b"]]
    assert VOCAB["[MASK]"] not in TOKENIZER.encode("ab [MASK]", specials=False)
    ids, segments = TOKENIZER.pair("ab", "b a")
    assert [TOKENIZER.token(i) for i in ids] == ["[CLS]", "ab", "[SEP]", "b", "a", "[SEP]"]
    assert segments == [0, 0, 0, 1, 1, 1]
    with pytest.raises(HeadwayError, match=r"no \[CLS\]"):
        WordPiece({"[UNK]": 0}).pair("a")


def test_training_is_the_same_every_time():
    texts = ["low lower lowest new newer newest"] * 2
    first, second = WordPiece.train(texts, 60), WordPiece.train(list(texts), 60)
    assert first.vocab == second.vocab
    assert first.decode(first.encode("newest lower")) == "newest lower"
    assert list(first.vocab)[: len(SPECIALS)] == list(SPECIALS)


def test_what_is_wrong_is_said():
    with pytest.raises(HeadwayError, match=r"no '\[UNK\]'"):
        WordPiece({"a": 0})
    with pytest.raises(HeadwayError, match="too small"):
        WordPiece.train(["abc"], 7)
    with pytest.raises(HeadwayError, match=r"write \[text\]"):
        WordPiece.train("abc", 70)
    with pytest.raises(HeadwayError, match=r"lacks '\[UNK\]'"):
        WordPiece.train(["abc"], 70, specials=[])
    with pytest.raises(HeadwayError, match="lacks '##c'"):
        WordPiece.train(["abc"], 70, alphabet=["a", "##b"])
    with pytest.raises(HeadwayError, match="id 99 is not in"):
        TOKENIZER.decode([99])
    with pytest.raises(HeadwayError, match="no token has the id 1"):
        WordPiece({"[UNK]": 0, "a": 2}).save("/nonexistent")


NORMALIZER, SPLITTER = {"type": "BertNormalizer"}, {"type": "BertPreTokenizer"}
MODEL = {"type": "WordPiece", "vocab": {"[UNK]": 0}}


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (3, Corrupt, "no JSON object"),
        ({"model": {"type": "BPE"}}, Unsupported, "not WordPiece"),
        ({"model": MODEL, "normalizer": NORMALIZER}, Unsupported, "pre-tokenizer of this tokenizer is None"),
        ({"model": MODEL, "pre_tokenizer": SPLITTER, "normalizer": {"type": "NFC"}}, Unsupported, "is NFC"),
        ({"model": MODEL | {"vocab": 1}, "normalizer": NORMALIZER, "pre_tokenizer": SPLITTER}, Corrupt, "no object"),
    ],
)
def test_bad_tokenizer_files(content, error, words):
    with pytest.raises(error, match=words):
        WordPiece.from_json(content)


def test_bad_files(tmp_path):
    with pytest.raises(HeadwayError, match="there is no file"):
        WordPiece.load(tmp_path)
    (tmp_path / "vocab.txt").write_bytes(b"[UNK]\n\xff\n")
    with pytest.raises(Corrupt, match="is not UTF-8"):
        WordPiece.load(tmp_path)
    (tmp_path / "vocab.txt").write_bytes(b"[PAD]\r\n[UNK]\r\nab\r\n##c")
    assert WordPiece.load(tmp_path).encode("abc") == [2, 3]

"""Byte-level BPE by its own laws, without a reference: nothing is lost, nothing is unknown, bad files are named."""

import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.tokens.bpe import BPE, BYTE_TO_CHAR, CHAR_TO_BYTE, GPT2_SPLIT, learn_merges, split, to_bytes, to_chars

TRAINED = BPE.train(["low lower lowest newer wider low low", "日本語 日本 aaaa aaa"], 290, specials=["<|end|>"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def test_every_byte_has_one_visible_character():
    assert len(set(BYTE_TO_CHAR)) == 256
    assert all(c.isprintable() and not c.isspace() for c in BYTE_TO_CHAR)
    assert [CHAR_TO_BYTE[c] for c in BYTE_TO_CHAR] == list(range(256))
    assert to_chars(b" low\n") == "ĠlowĊ"
    assert to_bytes("ĠlowĊ") == b" low\n"


@given(TEXT)
def test_splitting_loses_nothing(text):
    for pattern in (GPT2_SPLIT, r"\p{N}", r"\s+"):
        pieces = list(split(text, pattern))
        assert "".join(pieces) == text
        assert all(pieces)


@given(TEXT)
def test_round_trip(text):
    assert TRAINED.decode(TRAINED.encode(text)) == text
    assert TRAINED.decode(TRAINED.encode(text, recognise=False)) == text


@given(st.binary(max_size=40))
def test_every_byte_string_has_ids(data):
    """What BPE over bytes promises: no unknowns. Here for bytes that are no text at all."""
    ids = TRAINED.merge([TRAINED.vocab[BYTE_TO_CHAR[byte]] for byte in data])
    assert b"".join(to_bytes(TRAINED.token(i)) for i in ids) == data


@given(st.text("ab", max_size=30))
def test_encoding_is_the_definition(text):
    """Against the definition written down: merge the earliest learned pair, leftmost first, until there is none."""
    tokenizer = BPE.train(["abab aab abba bab ab aaab"], 270)
    rank = {pair: i for i, pair in enumerate(tokenizer.merges)}
    word = list(text)
    while pairs := [(rank[p], i) for i, p in enumerate(pairwise(word)) if p in rank]:
        _, i = min(pairs)
        word[i : i + 2] = [word[i] + word[i + 1]]
    assert [tokenizer.token(i) for i in tokenizer.encode(text)] == word


@given(st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=12))
@settings(max_examples=60)
def test_merge_learning_is_the_definition(words):
    """Against counting all pairs again after every merge."""
    names = ["a", "b", "c"]
    pairs = learn_merges([(["abc".index(c) for c in word], n) for word, n in Counter(words).items()], names, 20)
    corpus = [list(word) for word in words]
    expected = []
    while len(expected) < 17:
        counts = Counter(pair for word in corpus for pair in pairwise(word))
        if not counts:
            break
        order = {name: i for i, name in enumerate(["a", "b", "c", *map("".join, expected)])}
        best = min(counts, key=lambda pair: (-counts[pair], order[pair[0]], order[pair[1]]))
        expected.append(best)
        for word in corpus:
            i = 0
            while i < len(word) - 1:
                if (word[i], word[i + 1]) == best:
                    word[i : i + 2] = ["".join(best)]
                i += 1
    assert [(names[a], names[b]) for a, b in pairs] == expected


def test_more_merges_never_make_a_text_longer():
    text = "the cat sat on the mat and the cat ate the rat " * 3
    lengths = [len(BPE.train([text], size).encode(text)) for size in (256, 260, 270, 280)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == len(text)


def test_special_tokens():
    ids = TRAINED.encode("low<|end|>low")
    assert ids.count(TRAINED.specials["<|end|>"]) == 1
    plain = TRAINED.encode("low<|end|>low", recognise=False)
    assert TRAINED.specials["<|end|>"] not in plain
    assert TRAINED.decode(plain) == "low<|end|>low"
    assert TRAINED.decode(ids) == "lowlow"


def test_streaming_waits_for_whole_characters():
    ids = [TRAINED.vocab[BYTE_TO_CHAR[byte]] for byte in "é😀".encode()]
    assert list(TRAINED.pieces(ids)) == ["é", "😀"]
    assert list(TRAINED.pieces(ids[:-1])) == ["é", "\ufffd"]


def test_a_vocabulary_too_small_or_a_text_for_texts():
    with pytest.raises(HeadwayError, match="too small"):
        BPE.train(["x"], 256, specials=["<|end|>"])
    with pytest.raises(HeadwayError, match=r"write \[text\]"):
        BPE.train("x", 300)
    with pytest.raises(HeadwayError, match="no regular expression"):
        BPE.train(["x"], 300, splits=["("])
    assert BPE.train([], 300).encode("") == []
    assert BPE.train([""], 256).vocab_size == 256


def test_an_unknown_id():
    with pytest.raises(HeadwayError, match="id 9999 is not in this vocabulary of"):
        TRAINED.decode([9999])


MODEL = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}
LEVEL = {"type": "ByteLevel", "add_prefix_space": False}


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ([], Corrupt, "no JSON object"),
        ({"model": {"type": "WordPiece"}}, Unsupported, "not BPE"),
        ({"model": MODEL | {"byte_fallback": True}, "pre_tokenizer": LEVEL}, Unsupported, "byte_fallback"),
        ({"model": MODEL, "pre_tokenizer": None}, Unsupported, "None"),
        ({"model": MODEL, "pre_tokenizer": {"type": "Metaspace"}}, Unsupported, "Metaspace"),
        ({"model": MODEL, "pre_tokenizer": LEVEL, "normalizer": {"type": "Lowercase"}}, Unsupported, "Lowercase"),
        ({"model": MODEL | {"vocab": {"a": 0, "b": 0}}, "pre_tokenizer": LEVEL}, Corrupt, "id 0 to two tokens"),
        ({"model": MODEL | {"vocab": ["a"]}, "pre_tokenizer": LEVEL}, Corrupt, "no object of tokens"),
        ({"model": MODEL | {"vocab": {"a": -1}}, "pre_tokenizer": LEVEL}, Corrupt, "no object of tokens"),
        ({"model": MODEL | {"merges": ["a"]}, "pre_tokenizer": LEVEL}, Corrupt, "merge 0"),
        ({"model": MODEL | {"merges": ["b a"]}, "pre_tokenizer": LEVEL}, Corrupt, "needs 'ba'"),
        ({"model": MODEL, "pre_tokenizer": LEVEL, "added_tokens": [3]}, Corrupt, "added_tokens"),
    ],
)
def test_bad_tokenizer_files(content, error, words):
    with pytest.raises(error, match=words):
        BPE.from_json(content)
    assert BPE.from_json({"model": MODEL, "pre_tokenizer": LEVEL}).encode("abb") == [2, 1]


def test_bad_files(tmp_path):
    with pytest.raises(HeadwayError, match="there is no file"):
        BPE.load(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(json.dumps(TRAINED.to_json()).encode()[:-200])
    with pytest.raises(Corrupt, match="is no JSON"):
        BPE.load(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(b"\xff\xfe")
    with pytest.raises(Corrupt, match="is not UTF-8"):
        BPE.load(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    TRAINED.save_pair(tmp_path)
    with open(tmp_path / "merges.txt", "a") as file:
        file.write("l o w\r\n")
    with pytest.raises(Corrupt, match="is no pair"):
        BPE.load(tmp_path)
    (tmp_path / "merges.txt").write_text((tmp_path / "merges.txt").read_text().replace("l o w\n", ""), newline="\r\n")
    assert BPE.load(tmp_path).encode("lower<|end|>") == TRAINED.encode("lower<|end|>")

"""The character tokenizer: its laws over any text, its file, and what it says when something is wrong."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.base.errors import Corrupt, HeadwayError
from headway.tokens.chars import CharTokenizer

ANY = st.text(st.characters(exclude_categories=[]), max_size=60)  # lone surrogates included


@given(ANY)
@settings(max_examples=60)
def test_round_trip_and_order(text):
    tokenizer = CharTokenizer.from_text(text)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text == "".join(tokenizer.pieces(iter(ids)))
    assert tokenizer.encode(tokenizer.alphabet) == list(range(tokenizer.vocab_size))
    assert list(tokenizer.alphabet) == sorted(set(text))


@given(ANY, ANY)
@settings(max_examples=60)
def test_unknown_characters_take_the_last_id(known, text):
    tokenizer = CharTokenizer.from_text(known, unknown="�")
    ids = tokenizer.encode(text)
    assert tokenizer.encode("�") == [tokenizer.vocab_size - 1] == [len(set(known) - {"�"})]
    assert tokenizer.decode(ids) == "".join(c if c in known else "�" for c in text)


@given(ANY, st.booleans())
@settings(max_examples=20)
def test_the_file_gives_the_same_tokenizer(tmp_path_factory, text, with_unknown):
    tokenizer = CharTokenizer.from_text(text, unknown="�" if with_unknown else None)
    path = tmp_path_factory.mktemp("chars") / "tokenizer.json"
    tokenizer.save(path)
    assert CharTokenizer.load(path) == tokenizer


def test_a_stranger_is_named():
    with pytest.raises(HeadwayError, match=r"'z' is not in the alphabet of 4 characters"):
        CharTokenizer.from_text("hello").encode("haze"[1:3].replace("a", "h"))


@pytest.mark.parametrize("bad", [-1, 4])
def test_an_id_outside_is_an_error(bad):
    with pytest.raises(HeadwayError, match="outside this vocabulary of 4"):
        CharTokenizer.from_text("hello").decode([0, bad])


def test_bad_alphabets():
    with pytest.raises(HeadwayError, match="'a' more than once"):
        CharTokenizer("aba")
    with pytest.raises(HeadwayError, match="exactly one"):
        CharTokenizer("ab", unknown="<unk>")
    with pytest.raises(HeadwayError, match="is in the alphabet"):
        CharTokenizer("ab", unknown="a")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"alphabet": 3}', '{"alphabet": "a", "unknown": 1}', "\udcff"])
def test_corrupt_files(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(Corrupt):
        CharTokenizer.load(path)
    with pytest.raises(HeadwayError, match="there is no file"):
        CharTokenizer.load(tmp_path / "absent.json")


def test_the_file_is_plain(tmp_path):
    CharTokenizer("ab\n", unknown="?").save(tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text())["alphabet"] == "ab\n"

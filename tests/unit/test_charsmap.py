"""SentencePiece's compiled tables: what walks through them must never be led out of them."""

from __future__ import annotations

import base64
import json
import random
import struct

import pytest
from tokenizers import Tokenizer, models, normalizers

from headway.base.errors import Corrupt
from headway.tokens.charsmap import check_charsmap
from headway.tokens.pretrained import PretrainedTokenizer

REPLACEMENTS = "b\0zwölf\0".encode()


def table(*, units: dict[int, int] | None = None, replacements: bytes = REPLACEMENTS, size: int = 512) -> bytes:
    """A table that turns ``a`` into ``b`` and ``é`` (the bytes C3 A9) into ``zwölf``; `units` are put in the place of its own."""
    trie = [0] * size
    trie[0] = unit(0, to=256)
    trie[256 ^ ord("a")] = unit(ord("a"), to=(256 ^ ord("a")) ^ 257, leaf=True)
    trie[257] = 1 << 31 | 0
    trie[256 ^ 0xC3] = unit(0xC3, to=256 ^ 0xC3)
    trie[0xA9] = unit(0xA9, to=0xA9 ^ 258, leaf=True)
    trie[258] = 1 << 31 | 2
    for place, value in (units or {}).items():
        trie[place] = value
    return struct.pack("<I", 4 * size) + struct.pack(f"<{size}I", *trie) + replacements


def unit(label: int, *, to: int, leaf: bool = False) -> int:
    return to << 10 | leaf << 8 | label


DAMAGED = {
    "nothing": b"",
    "no size": b"\0\0",
    "an empty trie": struct.pack("<I", 0) + b"abc",
    "a trie larger than the table": struct.pack("<I", 4000) + b"\0" * 100,
    "half a unit": struct.pack("<I", 6) + b"\0" * 100,
    "a root that leads out": table(units={0: unit(0, to=5000)}),
    "a letter that leads out": table(units={256 ^ 0xC3: unit(0xC3, to=5000)}),
    "a leaf that leads out": table(units={256 ^ ord("a"): unit(ord("a"), to=5000, leaf=True)}),
    "a replacement behind the end": table(units={257: 1 << 31 | 5000}),
    "a replacement in the middle of a letter": table(units={257: 1 << 31 | 5}),
    "no replacements": table(replacements=b""),
    "a trie that ends within a block": struct.pack("<I", 1600) + table()[4:1604] + REPLACEMENTS,
}


def test_a_sound_table_is_accepted_and_does_what_it_says() -> None:
    check_charsmap(table(), "x")
    assert normalizers.Precompiled(table()).normalize_str("a é è") == "b zwölf è"


def test_a_trie_that_goes_round_and_round_is_walked_once() -> None:
    check_charsmap(table(units={256 ^ 0xC3: unit(0xC3, to=(256 ^ 0xC3) ^ 256)}), "x")


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_table_is_one_line(name) -> None:
    with pytest.raises(Corrupt, match=r"^x has a damaged table of normalisation: fetch it again$"):
        check_charsmap(DAMAGED[name], "x")


def test_what_is_accepted_never_panics() -> None:
    draw = random.Random(0)
    accepted = 0
    for _ in range(400):
        altered = bytearray(table())
        for _ in range(draw.choice((1, 2, 5))):
            place = draw.choice((0, 256 ^ ord("a"), 257, 256 ^ 0xC3, 0xA9, 258))
            altered[4 + 4 * place + draw.randrange(4)] = draw.randrange(256)
        try:
            check_charsmap(bytes(altered), "x")
        except Corrupt:
            continue
        accepted += 1
        assert isinstance(normalizers.Precompiled(bytes(altered)).normalize_str("a é è"), str)
    assert accepted


@pytest.mark.parametrize("nested", [False, True])
def test_a_tokenizer_with_a_damaged_table_is_refused_when_it_is_read(tmp_path, nested) -> None:
    backend = Tokenizer(models.WordLevel({"b": 0, "<unk>": 1}, unk_token="<unk>"))
    step = normalizers.Precompiled(table())
    backend.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Sequence([step])]) if nested else step
    backend.save(str(tmp_path / "tokenizer.json"))
    assert PretrainedTokenizer.from_folder(tmp_path).encode("a") == [0]
    sound = base64.b64encode(table()).decode()
    text = (tmp_path / "tokenizer.json").read_text()
    assert sound in text
    for nonsense in (base64.b64encode(DAMAGED["a root that leads out"]).decode(), "abc", ""):
        (tmp_path / "tokenizer.json").write_text(text.replace(json.dumps(sound), json.dumps(nonsense)))
        with pytest.raises(Corrupt, match=r"tokenizer\.json has a damaged table of normalisation"):
            PretrainedTokenizer.from_folder(tmp_path)

"""SentencePiece's vocabularies as T5 and Marian ship them. The expected pieces were written down by the library itself."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from headway import zoo
from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.base.protobuf import Damaged, fields, packed
from headway.cli.app import main
from headway.models.transformer import Transformer, TransformerConfig
from headway.tokens.marian import MarianTokenizer
from headway.tokens.pretrained import PretrainedTokenizer
from headway.tokens.sentencepiece import read_pieces, unigram_backend
from headway.weights import export_folder

FIXTURES = Path(__file__).parent.parent / "fixtures"
TINY = FIXTURES / "tiny.spm"
TEXTS = json.loads((FIXTURES / "tiny.spm.json").read_text(encoding="utf-8"))["texts"]


@pytest.mark.parametrize(("text", "pieces", "ids"), TEXTS)
def test_a_text_is_cut_as_the_library_cuts_it(text, pieces, ids):
    assert unigram_backend(read_pieces(TINY), TINY).encode(text, add_special_tokens=False).ids == ids


def test_t5s_vocabulary_ends_with_the_gaps_and_a_text_with_its_mark(tmp_path):
    shutil.copy(TINY, tmp_path / "spiece.model")
    (tmp_path / "tokenizer_config.json").write_text('{"extra_ids": 5, "eos_token": "</s>", "pad_token": "<pad>"}')
    tokenizer = PretrainedTokenizer.from_folder(tmp_path)
    assert tokenizer.vocab_size == 205
    assert tokenizer.id_of("<extra_id_0>") == 204
    assert tokenizer.id_of("<extra_id_4>") == 200
    text, _, ids = TEXTS[-1]
    assert tokenizer.encode(text) == [*ids, 1]
    assert tokenizer.encode("a <extra_id_0> b").count(204) == 1
    assert (tokenizer.eos, tokenizer.pad) == (1, 0)
    assert tokenizer.stop_ids == {1}
    (tmp_path / "tokenizer_config.json").unlink()
    assert PretrainedTokenizer.from_folder(tmp_path).vocab_size == 300


@pytest.fixture
def marian(tmp_path) -> Path:
    """A folder as opus-mt's: the ids of vocab.json are not those of the pieces."""
    names = [piece for piece, *_ in read_pieces(TINY).pieces if piece not in ("<pad>", "</s>", "<unk>")]
    random.Random(0).shuffle(names)
    words = ["</s>", "<unk>", *names, ">>fra<<", "▁seulement", "<pad>"]
    (tmp_path / "vocab.json").write_text(json.dumps({word: id for id, word in enumerate(words)}))
    shutil.copy(TINY, tmp_path / "source.spm")
    return tmp_path


def test_marian_takes_its_ids_from_the_shared_vocabulary(marian):
    tokenizer = MarianTokenizer.from_folder(marian)
    ids = json.loads((marian / "vocab.json").read_text())
    for text, pieces, their_ids in TEXTS:
        wanted = [1 if id == 2 else ids[piece] for piece, id in zip(pieces, their_ids, strict=True)]
        assert tokenizer.encode(text, recognise=False) == [*wanted, 0]
        if 2 not in their_ids:
            assert tokenizer.decode(tokenizer.encode(text)) == " ".join(text.replace("▁", " ").split())
    assert tokenizer.encode(">>fra<< the")[0] == ids[">>fra<<"]
    assert tokenizer.encode(">>xxx<< the")[0] == 1
    assert tokenizer.encode(">>fra<< the")[1:] == tokenizer.encode("the")
    assert tokenizer.decode([ids["▁seulement"], 0, tokenizer.pad]) == "seulement"
    assert tokenizer.vocab_size == len(ids)


def test_a_folder_of_opus_mt_loads(marian):
    size = json.loads((marian / "vocab.json").read_text())["<pad>"] + 1
    config = TransformerConfig(
        vocab_size=size, width=8, n_layer=1, n_head=2, ff_width=8, norm="post", interleaved=False, head_bias=True
    )
    export_folder(Transformer(config), marian)
    loaded = zoo.load(marian)
    assert isinstance(loaded.words, MarianTokenizer)
    assert loaded.stop_ids == {0}
    assert main(["export", str(marian), str(marian / "again")]) == 0
    assert zoo.load(marian / "again").encode("the") == loaded.encode("the")


@pytest.mark.parametrize("cut", [0, 1, 40, 0.5, 0.99])
def test_what_is_cut_short_is_one_line(marian, cut):
    whole = TINY.read_bytes()
    (marian / "source.spm").write_bytes(whole[: int(len(whole) * cut) if isinstance(cut, float) else cut])
    with pytest.raises(Corrupt, match=r"source\.spm") as caught:
        MarianTokenizer.from_folder(marian)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]", '{"a": "b"}', '{"a": 1}', '{"a": -1}'])
def test_a_vocabulary_that_is_none_is_one_line(marian, content):
    (marian / "vocab.json").write_text(content)
    with pytest.raises(HeadwayError, match=r"vocab\.json") as caught:
        MarianTokenizer.from_folder(marian)
    assert "\n" not in str(caught.value)


def test_a_vocabulary_of_merges_is_refused_by_its_kind(tmp_path):
    trained = bytes([2 << 3 | 2, 2, 3 << 3, 2])  # field 2 (how it was trained), holding field 3 = 2 (BPE)
    (tmp_path / "a.spm").write_bytes(TINY.read_bytes() + trained)
    with pytest.raises(Unsupported, match="kind 2"):
        unigram_backend(read_pieces(tmp_path / "a.spm"), tmp_path / "a.spm")


def test_protocol_buffers():
    message = bytes([8, 0x96, 1, 18, 3, 97, 98, 99, 29, 1, 2, 3, 4])
    found = list(fields(memoryview(message)))
    assert found[0] == (1, 150)
    assert (found[1][0], bytes(found[1][1])) == (2, b"abc")
    assert (found[2][0], bytes(found[2][1])) == (3, b"\1\2\3\4")
    assert packed(memoryview(bytes([3, 0x8E, 2]))) == [3, 270]
    for torn in (message[:2], message[:5], message[:-1], bytes([0xFF] * 12), bytes([15])):
        with pytest.raises(Damaged):
            list(fields(memoryview(torn)))

"""What a tokenizer's folder says is read, or refused by its name: small folders with the right ids written out."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.data.audio import check_extractor
from headway.tokens.added import Added, AddedTokens
from headway.tokens.charsmap import precompiled
from headway.tokens.folder import Missing
from headway.tokens.load import load_tokenizer
from headway.tokens.pretrained import PretrainedTokenizer
from headway.tokens.tokenizer import TextStream
from headway.tokens.wordpiece import WordPiece

MASK = {
    "__type": "AddedToken",
    "content": "<mask>",
    "lstrip": True,
    "rstrip": False,
    "normalized": True,
    "single_word": False,
}
MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def write(folder: Path, **files: Any) -> Path:
    """Write ``name__ext=content`` as ``name.ext``."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.write_bytes((content if isinstance(content, str) else json.dumps(content)).encode())
    return folder


def bert(folder: Path, words: list[str], marks: list[str] = MARKS, **config: Any) -> Path:
    return write(folder, vocab__txt="".join(f"{word}\n" for word in [*marks, *words]), tokenizer_config__json=config)


def pair(folder: Path, specials: list[str], **files: Any) -> Path:
    """vocab.json and merges.txt of a few letters, and "he"."""
    words = [*specials, *sorted(pre_tokenizers.ByteLevel.alphabet()), "he"]
    return write(
        folder, vocab__json={word: n for n, word in enumerate(words)}, merges__txt="#version: 0.2\nh e\n", **files
    )


def spelled(folder: Path, text: str, **options: Any) -> list[str]:
    tokenizer = load_tokenizer(folder)
    return tokenizer.tokens(tokenizer.encode(text, **options))


@pytest.mark.parametrize(
    ("config", "text", "tokens"),
    [
        ({"do_lower_case": True, "strip_accents": False}, "Möchte", ["möchte"]),
        ({"do_lower_case": True}, "Möchte", ["mochte"]),
        ({"do_lower_case": False}, "Möchte", ["Möchte"]),
        ({"do_lower_case": False, "strip_accents": True}, "Möchte", ["Mochte"]),
        ({"tokenize_chinese_chars": False}, "漢字", ["漢字"]),
        ({}, "漢字", ["漢", "字"]),
    ],
)
def test_berts_settings(config, text, tokens, tmp_path):
    words = ["möchte", "mochte", "Möchte", "Mochte", "漢", "字", "漢字"]
    assert spelled(bert(tmp_path, words, **config), text) == ["[CLS]", *tokens, "[SEP]"]


def test_a_bert_whose_marks_have_other_names(tmp_path):
    marks = ["<pad>", "<unk>", "<s>", "</s>", "<mask>"]
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), marks, strict=True))
    folder = bert(tmp_path, ["he"], marks, **names)
    assert spelled(folder, "he x<mask>") == ["<s>", "he", "<unk>", "<mask>", "</s>"]
    tokenizer = load_tokenizer(folder)
    assert (tokenizer.pad, tokenizer.unk) == (0, 1)


def test_robertas_pair_of_files_is_not_gpt2s(tmp_path):
    folder = pair(
        tmp_path,
        ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        tokenizer_config__json={"tokenizer_class": "RobertaTokenizer", "mask_token": MASK},
    )
    assert spelled(folder, "he<mask>") == ["<s>", "he", "<mask>", "</s>"]
    assert spelled(folder, "he <mask>") == ["<s>", "he", "<mask>", "</s>"]
    assert spelled(folder, "he<mask>", special=False) == ["he", "<mask>"]
    assert spelled(folder, "he<mask>", special=False, recognise=False)[-1] == ">"
    (folder / "tokenizer_config.json").unlink()
    write(folder, config__json={"model_type": "roberta"})
    assert spelled(folder, "he") == ["<s>", "he", "</s>"]


@pytest.mark.parametrize("kind", ["gpt2", "whisper", "bert"])
def test_tokens_added_later_are_added(kind, tmp_path):
    if kind == "bert":
        folder = write(bert(tmp_path, ["he"]), config__json={"model_type": kind})
    else:
        marks = ["<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>"]
        folder = pair(tmp_path, marks, config__json={"model_type": kind})
    size = load_tokenizer(folder).vocab_size
    write(folder, added_tokens__json={"<|en|>": size, "<|de|>": size + 1})
    tokenizer = load_tokenizer(folder)
    assert tokenizer.encode("he<|de|>he<|en|>", special=False).count(size + 1) == 1
    assert tokenizer.id_of("<|en|>") == size
    assert tokenizer.vocab_size == size + 2


def test_a_tokenizer_json_yields_to_the_class_and_its_settings(tmp_path):
    backend = Backend(
        models.WordPiece({w: n for n, w in enumerate([*MARKS, "möchte", "mochte", "Möchte"])}, unk_token="[UNK]")
    )
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    folder = write(tmp_path, tokenizer__json=backend.to_str(), config__json={"model_type": "bert"})
    for config, token in (({"do_lower_case": False}, "Möchte"), ({"strip_accents": False}, "möchte"), ({}, "mochte")):
        write(folder, tokenizer_config__json={"tokenizer_class": "BertTokenizer", **config})
        assert spelled(folder, "Möchte") == ["[CLS]", token, "[SEP]"]
    write(folder, tokenizer_config__json={"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": False})
    assert spelled(folder, "Möchte") == ["mochte"]  # taken as it stands


def padded(tmp_path: Path, **config) -> Path:
    """A folder whose tokenizer.json pads with [PAD]."""
    backend = Backend(models.WordPiece({word: n for n, word in enumerate([*MARKS, "he"])}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.enable_padding(pad_id=0, pad_token="[PAD]", length=20)
    facts = {"tokenizer_class": "PreTrainedTokenizerFast", **config}
    return write(tmp_path, tokenizer__json=backend.to_str(), tokenizer_config__json=facts)


@pytest.mark.parametrize(
    ("config", "pad"),
    [
        ({}, 0),
        ({"pad_token": "[SEP]"}, 3),
        ({"pad_token": None}, None),
        ({"tokenizer_class": "GPT2TokenizerFast"}, None),
    ],
)
def test_what_a_tokenizer_json_pads_with_is_the_pad_token_that_nothing_else_names(config, pad, tmp_path):
    folder = padded(tmp_path, **config)
    if "tokenizer_class" in config:  # a class whose own pad token is none
        backend = Backend(models.BPE({"a": 0, "[PAD]": 1, "<|endoftext|>": 2}, []))
        backend.enable_padding(pad_id=1, pad_token="[PAD]")
        write(folder, tokenizer__json=backend.to_str())
    theirs = AutoTokenizer.from_pretrained(folder)
    tokenizer = load_tokenizer(folder)
    assert tokenizer.pad == theirs.pad_token_id == pad
    if pad == 0:
        assert tokenizer.encode("he") == [5]
        assert tokenizer.decode([5, 0]) == theirs.decode([5, 0], skip_special_tokens=True) == "he"


@pytest.mark.parametrize("padding", [3, {"pad_token": 3}, {}])
def test_damaged_padding_is_one_line(padding, tmp_path):
    folder = padded(tmp_path)
    content = json.loads((folder / "tokenizer.json").read_text())
    write(folder, tokenizer__json=json.dumps({**content, "padding": padding}))
    with pytest.raises(Corrupt, match=r"padding|is no tokenizer"):
        load_tokenizer(folder)


def test_a_decoder_under_which_the_library_panics_is_refused(tmp_path, capfd):
    folder = padded(tmp_path)
    content = json.loads((folder / "tokenizer.json").read_text())
    strip = {"type": "Strip", "content": "e", "start": 1, "stop": 1}
    for decoder in (strip, {"type": "Sequence", "decoders": [{"type": "Fuse"}, strip]}):
        write(folder, tokenizer__json=json.dumps({**content, "decoder": decoder}))
        with pytest.raises(Unsupported, match="Strip, stop"):
            load_tokenizer(folder)
    write(folder, tokenizer__json=json.dumps({**content, "decoder": {**strip, "stop": 0}}))
    assert load_tokenizer(folder).decode([5]) == "he"
    assert "panicked" not in capfd.readouterr().err


def test_a_panic_of_the_library_is_one_line(tmp_path):
    """Whatever it is that the library does not check: here a mark that is to be put around texts and that has no id."""
    folder = padded(tmp_path)
    content = json.loads((folder / "tokenizer.json").read_text())
    mark = {"SpecialToken": {"id": "[CLS]", "type_id": 0}}
    template = {"type": "TemplateProcessing", "single": [mark], "pair": [mark], "special_tokens": {}}
    write(folder, tokenizer__json=json.dumps({**content, "post_processor": template}))
    with pytest.raises(Corrupt, match="do not fit together") as caught:
        load_tokenizer(folder).encode("he")
    assert "\n" not in str(caught.value)


def test_a_normalized_token_is_found_in_the_normalized_text():
    """Headway's own WordPiece: case does not count, neither in the text nor in the token."""
    content = {
        "added_tokens": [{"id": 5, "content": "cool-token", "normalized": True, "special": False}],
        "normalizer": {"type": "BertNormalizer", "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "vocab": {"[UNK]": 0, "a": 1, "cool": 2, "-": 3, "token": 4},
        },
    }
    tokenizer = WordPiece.from_json(content)
    assert tokenizer.encode("a Cool-token") == [1, 5]
    assert tokenizer.encode("a Cool-token", specials=False) == [1, 2, 3, 4]
    assert tokenizer.decode([1, 5], specials=False) == "a cool-token"  # it is no special one


@pytest.mark.parametrize("normalized", [True, False])
def test_added_tokens_as_the_library_finds_them(normalized):
    """Against `tokenizers`: white space taken, whole words, normalised or not."""
    from tokenizers import AddedToken

    texts = ["a <x> b", "a<x>b <x>", "Cool cool acool cool_ cool-cool", "  <x>  <x>", "COOL <X>", "cool"]
    for left, right, single in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1), (1, 1, 1)):
        flags = {"lstrip": bool(left), "rstrip": bool(right), "single_word": bool(single), "normalized": normalized}
        backend = Backend(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
        backend.normalizer = normalizers.Lowercase()
        backend.add_tokens([AddedToken("<x>", **flags), AddedToken("Cool", **flags)])
        names = {
            "takes_left": bool(left),
            "takes_right": bool(right),
            "whole_word": bool(single),
            "normalized": normalized,
        }
        ours = AddedTokens([Added(text="<x>", id=1, **names), Added(text="Cool", id=2, **names)], str.lower)
        for text in texts:
            found = [0 if id is None else id for _, id in ours.split(text)]
            assert found == backend.encode(text, add_special_tokens=False).ids, (text, flags)


@pytest.mark.parametrize("sign", ["\u2028", "\u0085", "\u000b", "\u001c"])
def test_only_a_line_feed_ends_a_line(sign, tmp_path):
    folder = bert(tmp_path, [f"a{sign}b", "he"])
    assert load_tokenizer(folder).id_of("he") == len(MARKS) + 1
    assert WordPiece.load(folder / "vocab.txt").vocab["he"] == len(MARKS) + 1
    merges = pair(tmp_path / "pair", ["<|endoftext|>"], config__json={"model_type": "gpt2"})
    write(merges, merges__txt=f"#version: 0.2\nh e{sign}\n")
    with pytest.raises(Corrupt) as caught:
        load_tokenizer(merges)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"tokenizer_class": "CohereTokenizer"}, "CohereTokenizer"),
        ({"auto_map": {"AutoTokenizer": ["x.Y", None]}}, "auto_map"),
        ({"some_new_switch": True}, "some_new_switch"),
        ({"sp_model_kwargs": {"nbest_size": -1}}, "sp_model_kwargs"),
        ({"fix_mistral_regex": True}, "fix_mistral_regex"),
        ({"do_lower_case": "yes"}, "do_lower_case"),
        ({"cls_token": None}, "cls_token"),
        ({"unk_token": "<no>"}, "<no>"),
        ({"added_tokens_decoder": {"x": {}}}, "added tokens"),
        ({"added_tokens_decoder": {"7": {"content": "a", "colour": "red"}}}, "colour"),
        ({"mask_token": 7}, "is no token"),
        ({"chat_template": 7}, "chat_template"),
        ({"chat_template": [{"name": "rag", "template": "x"}]}, "default"),
    ],
)
def test_what_is_not_done_is_refused_by_its_name(config, says, tmp_path):
    with pytest.raises(HeadwayError, match=says) as caught:
        load_tokenizer(bert(tmp_path, ["he"], **config))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        {"never_split": None, "do_basic_tokenize": True, "model_max_length": 10**30, "padding_side": "left"},
        {"name_or_path": "x", "special_tokens_map_file": "/x", "tokenizer_file": None, "auto_map": {}},
        {"some_new_switch": False, "other": None, "third": []},
        {"image_token": "<image>", "image_token_id": 3},
        {"tokenizer_class": "BertTokenizerFast"},
        {"tokenizer_class": "DistilBertTokenizer"},
    ],
)
def test_what_says_nothing_about_ids_is_no_reason_to_refuse(config, tmp_path):
    assert spelled(bert(tmp_path, ["he"], **config), "he") == ["[CLS]", "he", "[SEP]"]


@pytest.mark.parametrize(
    "name", ["vocab.txt", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"]
)
def test_files_that_are_not_utf8_are_one_line(name, tmp_path):
    folder = bert(tmp_path, ["he"])
    (folder / name).write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(Corrupt, match=name) as caught:
        load_tokenizer(folder)
    assert "\n" not in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(Missing):
        load_tokenizer(tmp_path / "empty")


def test_files_of_merges_that_are_not_utf8_are_one_line(tmp_path):
    for name in ("vocab.json", "merges.txt"):
        folder = pair(tmp_path / name, ["<|endoftext|>"], config__json={"model_type": "gpt2"})
        (folder / name).write_bytes(b"h \xff\n")
        with pytest.raises(Corrupt, match=name):
            load_tokenizer(folder)


# Files made of pieces


def gguf_facts(tokens: list[str], **more: Any) -> dict[str, Any]:
    return {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.merges": [], **more}


def test_a_gguf_vocabulary_with_one_token_twice():
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, "a", "x"]
    tokenizer = PretrainedTokenizer.from_gguf(gguf_facts(tokens, **{"tokenizer.ggml.bos_token_id": letters.index("a")}))
    first, last = letters.index("a"), 256
    assert tokenizer.vocab_size == 258
    assert tokenizer.encode("a") == [last]
    assert tokenizer.decode([first]) == tokenizer.decode([last]) == "a"
    assert tokenizer.tokens([first, last]) == ["a", "a"]
    assert tokenizer.bos == last
    stream = tokenizer.stream()
    assert stream.push(first) + stream.push(last) + stream.close() == "aa"


def test_bytes_that_come_one_by_one_join_to_what_decoding_gives():
    """One wrong byte makes a whole run of them U+FFFD: the bytes of 日, then the first of another character."""
    vocabulary = {"<unk>": 0, "a": 1} | {f"<0x{byte:02X}>": 2 + byte for byte in range(256)}
    backend = Backend(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", byte_fallback=True))
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    from headway.tokens.parts import Parts

    tokenizer = PretrainedTokenizer(Parts(backend=backend))
    day = [2 + byte for byte in "日".encode()]
    for ids in (
        [*day, 2 + 0xE6],
        [*day, 2 + 0xE6, 1],
        [*day, 1],
        day,
        [1, *day, 0, *day, 2 + 0xE6],
        [2 + 0xE6, 1, *day],
    ):
        stream = tokenizer.stream()
        pieces = [stream.push(id) for id in ids]
        assert "".join(pieces) + stream.close() == tokenizer.decode(ids), ids
    stream = tokenizer.stream()
    assert [stream.push(id) for id in [*day, 1]] == ["", "", "", "日a"]  # told as soon as the run of bytes is over


def test_a_stream_of_what_is_settled_is_told_at_once():
    stream = TextStream(lambda ids: "".join(map(chr, ids)))
    assert [stream.push(ord(c)) for c in "abc"] == ["a", "b", "c"]
    assert stream.close() == ""


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"abc",
        b"\xff" * 40,
        struct.pack("<I", 4) + b"\0\0\0\0",
        struct.pack("<I", 1024) + b"\xff" * 1024 + b"x\0",
        struct.pack("<I", 2**31) + b"\0" * 64,
        struct.pack("<I", 1024) + struct.pack("<256I", *[1 << 10] * 256) + b"\xff\0",
    ],
)
def test_a_damaged_table_of_normalisation_is_one_line(table, capfd, tmp_path):
    """The library that reads such a table panics on some of these, in ten lines of its own."""
    with pytest.raises(Corrupt, match="table of normalisation"):
        precompiled(table, "this file")
    import base64

    backend = Backend(models.WordLevel({"a": 0}, unk_token="a"))
    backend.normalizer = normalizers.Lowercase()
    content = json.loads(backend.to_str())
    content["normalizer"] = {"type": "Sequence", "normalizers": [
        {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(table).decode()}
    ]}  # fmt: skip
    with pytest.raises(Corrupt) as caught:
        load_tokenizer(write(tmp_path, tokenizer__json=content))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_small_whole_table_is_read():
    """ "A" becomes "bc": a double array of one branch, made by hand."""
    units = [0] * 512
    units[0] = 256 << 10  # the root's children lie around 256
    place = 256 ^ ord("A")
    units[place] = ord("A") | 1 << 8 | (place ^ 300) << 10  # a child by "A"; its value lies at 300
    units[300] = 1 << 31 | 0
    table = struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + b"bc\0"
    assert precompiled(table, "this file").normalize_str("xAx") == "xbcx"


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"feature_size": 80, "sampling_rate": 16000, "n_fft": 400, "hop_length": 160, "chunk_length": 30}, None),
        (
            {
                "feature_extractor_type": "WhisperFeatureExtractor",
                "padding_value": 0.0,
                "dither": 0.0,
                "mel_filters": [1],
            },
            None,
        ),
        ({"feature_size": 128}, "feature_size"),
        ({"sampling_rate": 8000}, "sampling_rate"),
        ({"n_fft": 512}, "n_fft"),
        ({"chunk_length": 10}, "chunk_length"),
        ({"dither": 0.1}, "dither"),
        ({"padding_value": 1.0}, "padding_value"),
        ({"feature_extractor_type": "Wav2Vec2FeatureExtractor"}, "Wav2Vec2"),
        ({"loudness": 3}, "loudness"),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_what_a_folder_says_about_sound(facts, says, nested, tmp_path):
    if nested:
        write(tmp_path, processor_config__json={"feature_extractor": facts}, preprocessor_config__json={"n_fft": 1})
    else:
        write(tmp_path, preprocessor_config__json=facts, processor_config__json={"processor_class": "WhisperProcessor"})
    if says is None:
        check_extractor(tmp_path, 80)
        return
    with pytest.raises(Unsupported, match=says) as caught:
        check_extractor(tmp_path, 80)
    assert "\n" not in str(caught.value)

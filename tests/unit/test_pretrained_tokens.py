"""Tokenizers that checkpoints ship: exact, whole, and never half a character."""

from __future__ import annotations

import itertools
import json
import unicodedata

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.base.sources import SOURCES, state
from headway.tokens.classes import GPT2_PATTERN
from headway.tokens.gguf import PRE_TOKENIZERS
from headway.tokens.pretrained import PretrainedTokenizer
from headway.tokens.tokenizer import TextStream

TEXTS = st.text(max_size=60) | st.text(alphabet="ab 019'sté日🙂\n\t<|im_end|>Ġ▁\u00a0\u200d", max_size=60)
CORPUS = ["the cat sat on the mat, 2019's best 123 cats don't sit", "日本語 äöü 🙂 naïve  spaces\n\n\tand tabs"] * 5


@pytest.fixture(scope="module")
def trained() -> Backend:
    """A byte-level BPE with a few merges, as SmolLM2 builds it."""
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(CORPUS, trainer)
    return backend


def facts_of(backend: Backend, pre: str, **more) -> dict:
    """The same tokenizer as GGUF metadata."""
    content = json.loads(backend.to_str())
    vocabulary = content["model"]["vocab"]
    tokens = [token for token, _ in sorted(vocabulary.items(), key=lambda item: item[1])]
    special = {token["content"] for token in content["added_tokens"]}
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3 if token in special else 1 for token in tokens],
        "tokenizer.ggml.merges": [" ".join(merge) for merge in content["model"]["merges"]],
        "tokenizer.ggml.bos_token_id": tokens.index("<|im_start|>"),
        "tokenizer.ggml.eos_token_id": tokens.index("<|im_end|>"),
        "tokenizer.ggml.add_bos_token": False,
        **more,
    }


def by_the_book(text: str, pre: str, vocabulary: dict[str, int], ranks: dict, special: list[str]) -> list[int]:
    """Byte-level BPE written out: special tokens first, the pattern, bytes, and merges in their order."""
    letters = _byte_letters()
    pattern, digits = PRE_TOKENIZERS[pre]
    ids: list[int] = []
    for part in regex.split("(" + "|".join(map(regex.escape, special)) + ")", text):
        if part in special:
            ids.append(vocabulary[part])
            continue
        pieces = regex.split(r"(\p{N})", part) if digits else [part]
        for word in (match for piece in pieces for match in regex.findall(pattern, piece)):
            symbols = [letters[byte] for byte in word.encode()]
            if pre == "llama-bpe" and "".join(symbols) in vocabulary:  # Llama 3 takes a whole word, whatever the merges
                symbols = ["".join(symbols)]
            while len(symbols) > 1:
                best = min(itertools.pairwise(symbols), key=lambda pair: ranks.get(pair, 1e9))
                if best not in ranks:
                    break
                merged, at = [], 0
                while at < len(symbols):
                    step = 2 if tuple(symbols[at : at + 2]) == best else 1
                    merged.append("".join(symbols[at : at + step]))
                    at += step
                symbols = merged
            ids += [vocabulary[symbol] for symbol in symbols if symbol in vocabulary]
    return ids


def _byte_letters() -> dict[int, str]:
    """GPT-2's letter for every byte: itself where it is printable, else the next code point from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + n) for n, byte in enumerate(others)}}


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_the_same_from_gguf_as_from_its_own_file(trained, text):
    ours = PretrainedTokenizer.from_gguf(facts_of(trained, "smollm"))
    assert ours.encode(text) == trained.encode(text).ids
    assert ours.decode(ours.encode(text), special=True) == text


@pytest.mark.parametrize("pre", ["gpt-2", "smollm", "llama-bpe", "qwen2"])
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_every_manner_of_cutting_is_that_of_the_book(trained, pre, text):
    facts = facts_of(trained, pre)
    merges = {tuple(merge.split(" ")): rank for rank, merge in enumerate(facts["tokenizer.ggml.merges"])}
    vocabulary = {token: id for id, token in enumerate(facts["tokenizer.ggml.tokens"])}
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    given_text = unicodedata.normalize("NFC", text) if pre == "qwen2" else text
    expected = by_the_book(given_text, pre, vocabulary, merges, special)
    got = PretrainedTokenizer.from_gguf(facts).encode(text, special=False)
    assert got == expected


@settings(max_examples=200, deadline=None)
@given(ids=st.lists(st.integers(0, 399), max_size=30))
def test_a_stream_gives_the_text_of_all_ids(trained, ids):
    ours = PretrainedTokenizer.from_gguf(facts_of(trained, "smollm"))
    for special in (False, True):
        stream = ours.stream(special=special)
        pieces = [stream.push(id) for id in ids]
        assert all(not piece.endswith("\ufffd") for piece in pieces)
        assert "".join(pieces) + stream.close() == ours.decode(ids, special=special)


def test_a_character_of_several_tokens_comes_whole(trained):
    ours = PretrainedTokenizer.from_gguf(facts_of(trained, "smollm"))
    ids = ours.encode("x\U0001f9d1\u200d\U0001f680é")
    stream = ours.stream()
    pieces = [stream.push(id) for id in ids]
    assert "".join(pieces) == "x\U0001f9d1\u200d\U0001f680é"
    assert pieces.count("") == len(ids) - len([piece for piece in pieces if piece])
    assert all(len(piece.encode("utf-8", "strict")) for piece in pieces if piece)
    stream.push(ids[1])
    assert stream.close() == "\ufffd"


def test_a_decoder_that_strips_and_joins_still_streams():
    words = {0: " a", 1: " b"}

    def decode(ids):
        return "".join(words[id] for id in ids).removeprefix(" ")

    stream = TextStream(decode)
    assert [stream.push(id) for id in (0, 1, 0)] == ["a", " b", " a"]
    assert stream.close() == ""


def piece_facts(**more) -> dict:
    """A sentencepiece vocabulary of BPE, as Llama 2 has it: marks, bytes, letters, and what they join to."""
    letters = list("▁abcdehlort")
    joined = {
        "▁a": -1,
        "he": -2,
        "ll": -3,
        "hell": -4,
        "lo": -5,
        "▁he": -6,
        "or": -7,
        "▁hell": -8,
        "hello": -9,
        "ld": -9.5,
    }
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *joined, *letters]
    types = [2, 3, 3, *([6] * 256), *([1] * (len(joined) + len(letters)))]
    scores = [0.0] * 259 + [float(score) for score in joined.values()] + [-100.0 - n for n in range(len(letters))]
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.scores": scores,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        **more,
    }


def by_score(text: str, tokens: list[str], scores: list[float]) -> list[str]:
    """Sentencepiece's BPE: of all neighbours that join to a piece, the best score first, the leftmost of equals."""
    ranks = dict(zip(tokens, scores, strict=True))
    symbols = list("▁" + text.replace(" ", "▁"))
    while True:
        pairs = [(-ranks[a + b], at) for at, (a, b) in enumerate(itertools.pairwise(symbols)) if a + b in ranks]
        if not pairs:
            return symbols
        _, at = min(pairs)
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="abhelo rtd", min_size=1, max_size=40))
def test_sentencepiece_merges_by_score(text):
    facts = piece_facts()
    ours = PretrainedTokenizer.from_gguf(facts)
    plain = facts["tokenizer.ggml.tokens"]
    assert ours.tokens(ours.encode(text, special=False)) == by_score(text, plain, facts["tokenizer.ggml.scores"])
    assert ours.encode(text)[0] == ours.bos == 1
    assert ours.decode(ours.encode(text)) == text


def test_sentencepiece_falls_back_to_bytes():
    ours = PretrainedTokenizer.from_gguf(piece_facts())
    ids = ours.encode("hello é", special=False)
    assert ours.tokens(ids)[-2:] == ["<0xC3>", "<0xA9>"]
    assert ours.decode(ids) == "hello é"
    stream = ours.stream()
    assert "".join(map(stream.push, ids)) + stream.close() == "hello é"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tokenizer.ggml.model": "rwkv"}, "gpt2, llama and bert"),
        ({"tokenizer.ggml.pre": "deepseek-coder"}, "it knows gpt-2"),
    ],
)
def test_what_is_not_known_names_what_is(trained, change, says):
    with pytest.raises(Unsupported, match=says) as caught:
        PretrainedTokenizer.from_gguf({**facts_of(trained, "smollm"), **change})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"tokenizer.ggml.tokens": []},
        {"tokenizer.ggml.token_type": [1, 2]},
        {"tokenizer.ggml.merges": ["no such"]},
        {"tokenizer.ggml.merges": ["three in one"]},
        {"tokenizer.ggml.model": "llama"},
    ],
)
def test_damaged_metadata_is_one_line(trained, change):
    with pytest.raises(Corrupt) as caught:
        PretrainedTokenizer.from_gguf({**facts_of(trained, "smollm"), **change})
    assert "\n" not in str(caught.value)


def write_folder(folder, backend: Backend, **config) -> None:
    backend.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    "config",
    [
        {"bos_token": "<|im_start|>", "eos_token": {"__type": "AddedToken", "content": "<|im_end|>", "special": True}},
        {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "add_bos_token": True},
        {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "add_bos_token": True, "add_eos_token": True},
        {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "add_bos_token": False},
        {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>"},
    ],
)
def test_a_folder_is_read_as_transformers_reads_it(tmp_path, trained, config):
    from transformers import PreTrainedTokenizerFast

    write_folder(tmp_path, trained, tokenizer_class="PreTrainedTokenizerFast", **config)
    ours, theirs = PretrainedTokenizer.from_folder(tmp_path), PreTrainedTokenizerFast.from_pretrained(tmp_path)
    for text in (*CORPUS[:2], "", "a <|im_end|> b", "  "):
        assert ours.encode(text) == theirs(text)["input_ids"]
        ids = ours.encode(text)
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True)
    assert (ours.bos, ours.eos, ours.pad, ours.unk) == (
        *(theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id, theirs.unk_token_id),
    )
    assert ours.vocab_size == len(theirs)


def test_a_tokenizer_with_its_own_frame_keeps_it(tmp_path, trained):
    backend = Backend.from_str(trained.to_str())
    backend.post_processor = processors.TemplateProcessing(
        single="<|im_start|> $A", special_tokens=[("<|im_start|>", 1)]
    )
    write_folder(tmp_path, backend)
    assert PretrainedTokenizer.from_folder(tmp_path).encode("a")[0] == 1


def test_stop_ids_come_from_everywhere(tmp_path, trained):
    write_folder(tmp_path, trained, eos_token="<|endoftext|>", chat_template="{{ '<|im_end|>' }}")
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [0, 7]}')
    assert PretrainedTokenizer.from_folder(tmp_path).stop_ids == {0, 7, 2}
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": 9}')
    assert PretrainedTokenizer.from_folder(tmp_path).stop_ids == {0, 9, 2}


def test_folders_from_before_tokenizer_json(tmp_path, trained):
    content = json.loads(trained.to_str())["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(content["vocab"]))
    merges = "\n".join(" ".join(merge) for merge in content["merges"])
    (tmp_path / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    ours = PretrainedTokenizer.from_folder(tmp_path)
    text = "the cat don't <|endoftext|>"
    merges_of = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges.split("\n"))}
    assert ours.encode(text) == by_the_book(text, "gpt-2", content["vocab"], merges_of, ["<|endoftext|>"])
    assert ours.decode(ours.encode(text)) == "the cat don't "

    bert = tmp_path / "bert"
    bert.mkdir()
    (bert / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hug", "##ging", "face", "!"])
    )
    ours = PretrainedTokenizer.from_folder(bert)
    assert ours.tokens(ours.encode("Hugging FACE!")) == ["[CLS]", "hug", "##ging", "face", "!", "[SEP]"]


def test_folders_that_cannot_be_read_are_one_line(tmp_path, trained):
    with pytest.raises(Unsupported, match=r"tokenizer\.json"):
        PretrainedTokenizer.from_folder(tmp_path)
    whole = trained.to_str()
    for broken in (whole[: len(whole) // 2], "", "[]", "\x00\x01"):
        (tmp_path / "tokenizer.json").write_text(broken)
        with pytest.raises(Corrupt) as caught:
            PretrainedTokenizer.from_folder(tmp_path)
        assert "\n" not in str(caught.value)
    (tmp_path / "tokenizer.json").write_text(whole)
    for broken in ("{", "[1]"):
        (tmp_path / "tokenizer_config.json").write_text(broken)
        with pytest.raises(Corrupt, match="tokenizer_config"):
            PretrainedTokenizer.from_folder(tmp_path)


def test_a_normalizer_of_the_file_is_kept(tmp_path, trained):
    backend = Backend.from_str(trained.to_str())
    backend.normalizer = normalizers.Lowercase()
    write_folder(tmp_path, backend)
    ours = PretrainedTokenizer.from_folder(tmp_path)
    assert ours.encode("CAT") == ours.encode("cat")


def test_a_chat_without_a_template_is_one_line(tmp_path, trained):
    write_folder(tmp_path, trained)
    with pytest.raises(HeadwayError, match="no chat template"):
        PretrainedTokenizer.from_folder(tmp_path).chat([{"role": "user", "content": "hi"}])


# The real one

smollm = SOURCES["smollm2-135m"]


@pytest.fixture(scope="module")
def real():
    from headway.weights import GGUF

    return GGUF(smollm.path).facts


@pytest.fixture(scope="module")
def book(real):
    """The tokenizer, and what the book needs: vocabulary, merges, special tokens."""
    tokens, types = real["tokenizer.ggml.tokens"], real["tokenizer.ggml.token_type"]
    special = [token for token, kind in zip(tokens, types, strict=True) if kind == 3]
    merges = {tuple(merge.split(" ")): rank for rank, merge in enumerate(real["tokenizer.ggml.merges"])}
    facts = ({token: id for id, token in enumerate(tokens)}, merges, special)
    return PretrainedTokenizer.from_gguf(real, name="smollm2-135m"), facts


@pytest.mark.weights
@pytest.mark.skipif(state(smollm) != "present", reason="`headway fetch smollm2-135m` first")
class TestSmolLM2:
    @settings(max_examples=60, deadline=None)
    @given(text=TEXTS)
    def test_exact(self, book, text):
        ours, facts = book
        assert ours.encode(text) == by_the_book(text, "smollm", *facts)

    def test_the_conversation_is_the_one_it_was_trained_on(self, book):
        ours, _ = book
        text = ours.chat([{"role": "user", "content": "Hi"}])
        assert text == (
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
        )
        assert ours.encode_chat([{"role": "user", "content": "Hi"}])[:4] == [1, 9690, 198, 2683]
        assert ours.stop_ids == {2}
        assert (ours.bos, ours.eos, ours.vocab_size) == (1, 2, 49152)


def test_the_pattern_is_gpt2s():
    assert regex.findall(GPT2_PATTERN, "I've 12 cats,  ok?\n") == [
        "I",
        "'ve",
        " 12",
        " cats",
        ",",
        " ",
        " ok",
        "?",
        "\n",
    ]

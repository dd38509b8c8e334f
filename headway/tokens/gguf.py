"""The tokenizer in a GGUF file's metadata (the keys ``tokenizer.*``), as llama.cpp writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Backend

from headway.base.errors import Corrupt, Unsupported
from headway.tokens.classes import (
    CLASSES,
    GPT2_PATTERN,
    LLAMA3_PATTERN,
    QWEN2_PATTERN,
    Given,
    Vocabulary,
    bpe,
    put_around,
)
from headway.tokens.parts import Parts
from headway.tokens.sentencepiece import BYTE, CONTROL, NORMAL, UNKNOWN, UNUSED, USER_DEFINED

PRE_TOKENIZERS: dict[str, tuple[str, bool]] = {
    "gpt-2": (GPT2_PATTERN, False),
    "gpt2": (GPT2_PATTERN, False),
    "phi-2": (GPT2_PATTERN, False),
    "smollm": (GPT2_PATTERN, True),
    "starcoder": (GPT2_PATTERN, True),
    "refact": (GPT2_PATTERN, True),
    "llama-bpe": (LLAMA3_PATTERN, False),
    "llama3": (LLAMA3_PATTERN, False),
    "llama-v3": (LLAMA3_PATTERN, False),
    "qwen2": (QWEN2_PATTERN, False),
    "deepseek-r1-qwen": (QWEN2_PATTERN, False),
}
"""``tokenizer.ggml.pre`` -> (the pattern that cuts the text, whether every digit stands alone before it)."""


def read_gguf(facts: Mapping[str, Any], name: str) -> Parts:
    """What the metadata makes."""
    kind = facts.get("tokenizer.ggml.model")
    tokens = _list(facts, "tokenizer.ggml.tokens", str)
    types = _list(facts, "tokenizer.ggml.token_type", int) or [NORMAL] * len(tokens)
    if not tokens or len(types) != len(tokens):
        raise Corrupt(f"{name}: the file's vocabulary is missing or cut short; fetch it again")
    if kind == "bert":  # There, words begin with ▁ and continuations are bare; here, continuations begin with ##.
        tokens = [
            t if y == CONTROL else t[1:] if t.startswith("▁") else f"##{t}" for t, y in zip(tokens, types, strict=True)
        ]
    tokens, twins = _once(tokens)
    types = [UNUSED if id in twins else type_ for id, type_ in enumerate(types)]
    vocabulary = {token: id for id, token in enumerate(tokens)}
    if kind == "gpt2":
        merges: Any = [tuple(merge.split(" ")) for merge in _list(facts, "tokenizer.ggml.merges", str)]
        backend = _byte_level(vocabulary, merges, str(facts.get("tokenizer.ggml.pre", "gpt-2")))
    elif kind == "llama":
        scores = _list(facts, "tokenizer.ggml.scores", float)
        backend = _sentence_piece(
            tokens, types, scores, prefix=bool(facts.get("tokenizer.ggml.add_space_prefix", True))
        )
    elif kind == "bert":
        backend = _word_piece(vocabulary)
    else:
        raise Unsupported(
            f"{name}: its tokenizer is of the kind {kind!r}; from GGUF files Headway reads gpt2, llama and bert"
        )
    added = [(token, type_) for token, type_ in zip(tokens, types, strict=True) if type_ in (CONTROL, USER_DEFINED)]
    # One call for all: each call makes the library rebuild its matcher.
    backend.add_tokens([AddedToken(token, normalized=False, special=type_ == CONTROL) for token, type_ in added])
    backend.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token, type_ in added if type_ == CONTROL]
    )

    def word(key: str) -> str | None:
        id = facts.get(f"tokenizer.ggml.{key}_token_id")
        return tokens[twins.get(id, id)] if isinstance(id, int) and 0 <= id < len(tokens) else None

    bos, eos = word("bos"), word("eos")
    # Without the entry, sentencepiece models begin with their mark, and so does Llama 3.
    marked = kind == "llama" or facts.get("tokenizer.ggml.pre") in ("llama-bpe", "llama3")
    begins = facts.get("tokenizer.ggml.add_bos_token", marked)
    ends = facts.get("tokenizer.ggml.add_eos_token", False)
    if kind != "bert":
        marks = [[(mark, vocabulary[mark])] if mark and asked else [] for mark, asked in ((bos, begins), (eos, ends))]
        put_around(backend, *marks)
    template = facts.get("tokenizer.chat_template")
    words = {"bos_token": bos, "eos_token": eos, "pad_token": word("padding"), "unk_token": word("unknown")}
    return Parts(
        backend=backend,
        words={key: token for key, token in words.items() if token is not None},
        stops=[id for key in ("eot", "eom") if isinstance(id := facts.get(f"tokenizer.ggml.{key}_token_id"), int)],
        template=template if isinstance(template, str) else None,
        name=name,
        twins=twins,
    )


def _once(tokens: list[str]) -> tuple[list[str], dict[int, int]]:
    """`tokens` with each one once, and for every id whose token comes again, the last id that has it, which a text gets.

    In the place of the earlier one stands a name that no text can have.
    """
    last = {token: id for id, token in enumerate(tokens)}
    twins = {id: last[token] for id, token in enumerate(tokens) if last[token] != id}
    return [f"\0{id}" if id in twins else token for id, token in enumerate(tokens)], twins


def _word_piece(vocabulary: dict[str, int]) -> Backend:
    """BERT's, lower case, with its special tokens."""
    words = CLASSES["BertTokenizer"]
    given = Given(words.defaults, tokenizer_class="BertTokenizer")
    backend = words.build(Vocabulary(pieces=vocabulary), given)
    special = [given[f"{name}_token"] for name in ("pad", "unk", "cls", "sep", "mask")]
    for word in special[2:4]:
        if word not in vocabulary:
            raise Unsupported(f"this vocabulary of word pieces has no {word}, which BERT's has")
    backend.add_special_tokens([word for word in special if word in vocabulary])
    assert words.around is not None
    words.around(backend, given, lambda token: vocabulary[token])
    return backend


def _list(facts: Mapping[str, Any], key: str, kind: type) -> list[Any]:
    found, kinds = facts.get(key, []), (float, int) if kind is float else kind
    if not isinstance(found, list) or not all(isinstance(value, kinds) for value in found):
        raise Corrupt(f"the file's {key} is no list of {kind.__name__}: fetch it again")
    return found


def _byte_level(vocabulary: dict[str, int], merges: list[tuple[str, str]], pre: str) -> Backend:
    """BPE over bytes, as GPT-2 introduced it; `pre` names how the text is cut before."""
    if pre not in PRE_TOKENIZERS:
        known = ", ".join(PRE_TOKENIZERS)
        raise Unsupported(
            f"this tokenizer cuts text in the manner of {pre!r}, which Headway does not know; it knows {known}"
        )
    pattern, digits = PRE_TOKENIZERS[pre]
    newer = pattern is not GPT2_PATTERN
    backend = bpe(Vocabulary(pieces=vocabulary, merges=merges), ignore_merges=pre.startswith("llama"))
    if pre.startswith(("qwen2", "deepseek")):
        backend.normalizer = normalizers.NFC()
    if newer:
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
    elif digits:
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    else:
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def _sentence_piece(tokens: list[str], types: list[int], scores: list[float], *, prefix: bool) -> Backend:
    """Sentencepiece's BPE, as in Llama 1 and 2: the pair whose joint piece has the best score is merged first."""
    if len(scores) != len(tokens):
        raise Corrupt("the file's vocabulary has no score for every piece; fetch it again")
    vocabulary = {token: id for id, token in enumerate(tokens)}
    joined: list[tuple[float, int, str, str]] = []
    for id, token in enumerate(tokens):
        if types[id] in (NORMAL, USER_DEFINED, UNUSED) and len(token) > 1:
            pairs = [(token[:cut], token[cut:]) for cut in range(1, len(token))]
            joined += [
                (-scores[id], id, left, right) for left, right in pairs if left in vocabulary and right in vocabulary
            ]
    # The best score first; of equal ones, and within one piece, in the order of the vocabulary.
    joined.sort(key=lambda merge: (merge[0], merge[1], vocabulary[merge[2]], vocabulary[merge[3]]))
    unknown = next((token for token, type_ in zip(tokens, types, strict=True) if type_ == UNKNOWN), None)
    model = models.BPE(
        vocab=vocabulary,
        merges=[(left, right) for _, _, left, right in joined],
        unk_token=unknown,
        fuse_unk=True,
        byte_fallback=BYTE in types,
    )
    backend = Backend(model)
    spaces = [normalizers.Replace(" ", "▁")]
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), *spaces] if prefix else spaces)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    backend.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if prefix else steps)
    return backend

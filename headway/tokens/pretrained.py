"""The tokenizers that checkpoints ship, run by the `tokenizers` library: from a Hugging Face folder, or from GGUF metadata."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Backend

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.base.files import write_text
from headway.base.reading import read_json, read_json_object, read_text
from headway.tokens.charsmap import check_charsmaps
from headway.tokens.chat import Message, render
from headway.tokens.sentencepiece import read_pieces, unigram_backend

ENDS = ("<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "<end_of_turn>", "<|end|>", "<|eom_id|>")
"""Special tokens with which models end their turn: they stop a reply where the chat template uses them."""


class PretrainedTokenizer:
    """Text <-> ids as a checkpoint was trained on them.

    Attributes:
        bos, eos, pad, unk: Ids of the special tokens, None where there is none.
        stop_ids: Ids at which a reply ends: `eos`, and whatever else the checkpoint names.
        template: The chat template's source, or None.
        name: What it belongs to, for messages.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        bos: str | None = None,
        eos: str | None = None,
        pad: str | None = None,
        unk: str | None = None,
        stops: Iterable[int] = (),
        template: str | None = None,
        name: str = "this model",
    ):
        self.backend, self.template, self.name = backend, template, name
        self.backend.no_padding()
        self.backend.no_truncation()
        self._words = {"bos": bos, "eos": eos, "pad": pad, "unk": unk}
        self.bos, self.eos, self.pad, self.unk = (
            None if word is None else backend.token_to_id(word) for word in self._words.values()
        )
        ends = {backend.token_to_id(word) for word in ENDS if template and word in template}
        self.stop_ids = frozenset({*stops, self.eos, *ends} - {None})
        self._special = {id for id, token in backend.get_added_tokens_decoder().items() if token.special}

    @classmethod
    def from_folder(cls, folder: Path | str, *, name: str | None = None) -> PretrainedTokenizer:
        """From a Hugging Face folder: tokenizer.json (or vocab.json and merges.txt, or vocab.txt) and what lies beside it."""
        return _from_folder(Path(folder), name or Path(folder).name)

    @classmethod
    def from_gguf(cls, facts: Mapping[str, Any], *, name: str | None = None) -> PretrainedTokenizer:
        """From the metadata of a GGUF file (the keys ``tokenizer.*``)."""
        return _from_gguf(facts, name or str(facts.get("general.name", "this model")))

    def save(self, folder: Path | str) -> None:
        """Write it into a folder, for `from_folder` and for `transformers`: tokenizer.json, and what lies beside it."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        facts: dict[str, Any] = {f"{kind}_token": word for kind, word in self._words.items() if word is not None}
        facts |= {"tokenizer_class": "PreTrainedTokenizerFast"}
        if self.template is not None:
            facts["chat_template"] = self.template
        write_text(folder / "tokenizer.json", self.backend.to_str())
        write_text(folder / "tokenizer_config.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
        if self.stop_ids - {self.eos}:
            told = _json(folder / "generation_config.json") | {
                "eos_token_id": sorted(id for id in self.stop_ids if id is not None)
            }
            write_text(folder / "generation_config.json", json.dumps(told, indent=2) + "\n")

    @property
    def vocab_size(self) -> int:
        """Ids run from 0 to below this, those of special tokens included."""
        return self.backend.get_vocab_size(with_added_tokens=True)

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids that stand for no text."""
        return frozenset(self._special)

    def encode(self, text: str, *, special: bool = True) -> list[int]:
        """The ids of `text`. With `special`, what this tokenizer puts around a text (a beginning mark, mostly) as well."""
        return self.backend.encode(text, add_special_tokens=special).ids

    def encode_batch(self, texts: Sequence[str], *, special: bool = True) -> list[list[int]]:
        """`encode` of each of `texts`."""
        return [encoded.ids for encoded in self.backend.encode_batch(list(texts), add_special_tokens=special)]

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """The text of `ids`; special tokens are left out unless `special`. Bytes that are no UTF-8 become U+FFFD."""
        return self.backend.decode(list(ids), skip_special_tokens=not special)

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """The vocabulary's own spelling of each id."""
        return [self.backend.id_to_token(id) or "" for id in ids]

    def id_of(self, token: str) -> int | None:
        """The id of a token in the vocabulary's spelling."""
        return self.backend.token_to_id(token)

    def stream(self, *, special: bool = False) -> Stream:
        """A decoder for ids that come one by one."""
        return Stream(lambda ids: self.decode(ids, special=special))

    def chat(self, messages: Sequence[Message], *, reply: bool = True, **facts: Any) -> str:
        """The text of a conversation under the checkpoint's template, up to where the assistant `reply` begins."""
        if self.template is None:
            raise HeadwayError(f"{self.name} has no chat template: it completes text. Use `headway run --raw`.")
        words = {f"{kind}_token": word for kind, word in self._words.items() if word is not None}
        return render(self.template, messages, where=self.name, **{**words, "add_generation_prompt": reply, **facts})

    def encode_chat(self, messages: Sequence[Message], *, reply: bool = True, **facts: Any) -> list[int]:
        """The ids of `chat`. The template writes the special tokens itself, so none are added."""
        return self.encode(self.chat(messages, reply=reply, **facts), special=False)


class Stream:
    """Turns ids into text as they come, and never gives out half a character.

    All pieces together, the one from `close` included, are exactly the text of all ids decoded at once.
    """

    def __init__(self, decode: Callable[[list[int]], str]):
        self._decode = decode
        self._ids: list[int] = []
        self._start = 0  # what is decoded again with each id: enough to the left for what comes to read right
        self._told = 0  # ids whose text is out
        self._length = 0  # of all that is out

    def push(self, id: int) -> str:
        """The text that `id` completes; empty while a character is unfinished."""
        self._ids.append(id)
        before = self._decode(self._ids[self._start : self._told])
        now = self._decode(self._ids[self._start :])
        if now.endswith("\ufffd") or len(now) <= len(before) or not now.startswith(before):
            return ""
        piece = now[len(before) :]
        self._start, self._told = self._told, len(self._ids)
        self._length += len(piece)
        return piece

    def close(self) -> str:
        """What was still held back: an unfinished character, as U+FFFD."""
        rest = self._decode(self._ids)[self._length :]
        self._ids, self._start, self._told, self._length = [], 0, 0, 0
        return rest


# Hugging Face folders


def _from_folder(folder: Path, name: str) -> PretrainedTokenizer:
    config = _json(folder / "tokenizer_config.json")
    words = {**_json(folder / "special_tokens_map.json"), **config}
    if (folder / "tokenizer.json").is_file():
        backend = _read(folder / "tokenizer.json")
    else:
        backend = _from_vocabulary(folder, config)
    bos, eos = _word(words.get("bos_token")), _word(words.get("eos_token"))
    ends = _json(folder / "generation_config.json").get("eos_token_id")
    return PretrainedTokenizer(
        backend,
        bos=bos,
        eos=eos,
        pad=_word(words.get("pad_token")),
        unk=_word(words.get("unk_token")),
        stops=[end for end in (ends if isinstance(ends, list) else [ends]) if isinstance(end, int)],
        template=_template(folder, config),
        name=name,
    )


def _template(folder: Path, config: dict[str, Any]) -> str | None:
    if (folder / "chat_template.jinja").is_file():
        return read_text(folder / "chat_template.jinja")
    found = _json(folder / "chat_template.json").get("chat_template") or config.get("chat_template")
    if isinstance(found, list):  # several by name; "default" is the one without tools
        named = {entry.get("name"): entry.get("template") for entry in found if isinstance(entry, dict)}
        found = named.get("default") or next(iter(named.values()), None)
    return found if isinstance(found, str) else None


def _read(path: Path) -> Backend:
    check_charsmaps(read_json(path), path)
    try:
        return Backend.from_file(str(path))
    except Exception as error:
        raise Corrupt(f"{path} is no tokenizer ({' '.join(str(error).split())}): fetch it again") from error


def _from_vocabulary(folder: Path, config: dict[str, Any]) -> Backend:
    """Checkpoints from before tokenizer.json: GPT-2's vocab.json and merges.txt, BERT's vocab.txt, T5's spiece.model."""
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        vocabulary = {str(token): int(id) for token, id in _json(folder / "vocab.json").items()}
        lines = read_text(folder / "merges.txt").split("\n")
        merges = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
        if any(len(merge) != 2 for merge in merges):
            raise Corrupt(f"{folder / 'merges.txt'} has a line that is no pair: fetch it again")
        backend = _byte_level(vocabulary, merges, "gpt-2")
        specials = [word for word in map(_word, config.values()) if word in vocabulary and word.startswith("<|")]
        backend.add_special_tokens(sorted({*specials, *(["<|endoftext|>"] if "<|endoftext|>" in vocabulary else [])}))
        return backend
    if (folder / "vocab.txt").is_file():
        lines = read_text(folder / "vocab.txt").splitlines()
        return _word_piece({line: id for id, line in enumerate(lines)}, lowercase=config.get("do_lower_case", True))
    if (folder / "spiece.model").is_file():
        return _t5(folder / "spiece.model", config)
    found = ", ".join(sorted(path.name for path in folder.glob("*token*"))) or "none"
    raise Unsupported(
        f"{folder} has no tokenizer Headway reads (tokenizer.json; vocab.json and merges.txt; vocab.txt; spiece.model); "
        f"there: {found}."
    )


def _t5(path: Path, config: dict[str, Any]) -> Backend:
    """T5's and mT5's: SentencePiece's ids, then the names of gaps from the last to the first; </s> ends a text."""
    backend = unigram_backend(read_pieces(path), path)
    gaps = config.get("extra_ids", 100)
    backend.add_special_tokens([f"<extra_id_{n}>" for n in reversed(range(gaps if isinstance(gaps, int) else 100))])
    if backend.token_to_id("</s>") is None:
        raise Corrupt(f"{path} has no </s>, which T5's vocabulary has: fetch it again")
    backend.post_processor = _around(backend, None, "</s>")
    return backend


def _word(value: Any) -> str | None:
    """A special token, as configs write it: a string, or a mapping with its content."""
    if isinstance(value, Mapping):
        value = value.get("content")
    return value if isinstance(value, str) else None


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    return read_json_object(path)


# GGUF metadata

GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""How GPT-2 cuts text before its merges (Radford et al., 2019, released encoder.py)."""

LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2_PATTERN = LLAMA3_PATTERN.replace(r"\p{N}{1,3}", r"\p{N}")

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

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
"""``tokenizer.ggml.token_type``."""


def _from_gguf(facts: Mapping[str, Any], name: str) -> PretrainedTokenizer:
    kind = facts.get("tokenizer.ggml.model")
    tokens = _list(facts, "tokenizer.ggml.tokens", str)
    types = _list(facts, "tokenizer.ggml.token_type", int) or [NORMAL] * len(tokens)
    if not tokens or len(types) != len(tokens):
        raise Corrupt(f"{name}: the file's vocabulary is missing or cut short; fetch it again")
    vocabulary = {token: id for id, token in enumerate(tokens)}
    if kind == "gpt2":
        merges = [tuple(merge.split(" ")) for merge in _list(facts, "tokenizer.ggml.merges", str)]
        backend = _byte_level(vocabulary, merges, str(facts.get("tokenizer.ggml.pre", "gpt-2")))
    elif kind == "llama":
        scores = _list(facts, "tokenizer.ggml.scores", float)
        backend = _sentence_piece(
            tokens, types, scores, prefix=bool(facts.get("tokenizer.ggml.add_space_prefix", True))
        )
    elif kind == "bert":
        # There, words begin with ▁ and continuations are bare; here, continuations begin with ##.
        plain = [
            t if y == CONTROL else t[1:] if t.startswith("▁") else f"##{t}" for t, y in zip(tokens, types, strict=True)
        ]
        backend = _word_piece({token: id for id, token in enumerate(plain)}, lowercase=True)
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
        return tokens[id] if isinstance(id, int) and 0 <= id < len(tokens) else None

    bos, eos = word("bos"), word("eos")
    # Without the entry, sentencepiece models begin with their mark, and so does Llama 3.
    marked = kind == "llama" or facts.get("tokenizer.ggml.pre") in ("llama-bpe", "llama3")
    begins = facts.get("tokenizer.ggml.add_bos_token", marked)
    ends = facts.get("tokenizer.ggml.add_eos_token", False)
    if kind != "bert":
        backend.post_processor = _around(backend, bos if begins else None, eos if ends else None)
    template = facts.get("tokenizer.chat_template")
    return PretrainedTokenizer(
        backend,
        bos=bos,
        eos=eos,
        pad=word("padding"),
        unk=word("unknown"),
        stops=[id for key in ("eot", "eom") if isinstance(id := facts.get(f"tokenizer.ggml.{key}_token_id"), int)],
        template=template if isinstance(template, str) else None,
        name=name,
    )


def _list(facts: Mapping[str, Any], key: str, kind: type) -> list[Any]:
    found, kinds = facts.get(key, []), (float, int) if kind is float else kind
    if not isinstance(found, list) or not all(isinstance(value, kinds) for value in found):
        raise Corrupt(f"the file's {key} is no list of {kind.__name__}: fetch it again")
    return found


def _byte_level(vocabulary: dict[str, int], merges: list[tuple], pre: str) -> Backend:
    """BPE over bytes, as GPT-2 introduced it; `pre` names how the text is cut before."""
    if pre not in PRE_TOKENIZERS:
        known = ", ".join(PRE_TOKENIZERS)
        raise Unsupported(
            f"this tokenizer cuts text in the manner of {pre!r}, which Headway does not know; it knows {known}"
        )
    pattern, digits = PRE_TOKENIZERS[pre]
    newer = pattern is not GPT2_PATTERN
    try:
        backend = Backend(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=pre.startswith("llama")))
    except Exception as error:
        line = " ".join(str(error).split())
        raise Corrupt(f"the merges do not fit the vocabulary ({line}): fetch the file again") from error
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


def _word_piece(vocabulary: dict[str, int], *, lowercase: bool) -> Backend:
    """BERT's: words at spaces and punctuation, then the longest pieces from the left."""
    for word in ("[UNK]", "[CLS]", "[SEP]"):
        if word not in vocabulary:
            raise Unsupported(f"this vocabulary of word pieces has no {word}, which BERT's has")
    backend = Backend(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    backend.add_special_tokens([word for word in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if word in vocabulary])
    backend.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    return backend


def _around(backend: Backend, first: str | None, last: str | None) -> Any:
    """Puts `first` and `last` around a text."""
    single = " ".join(filter(None, (first, "$A", last)))
    pair = f"{single} {first}:1 $B:1" if first else f"{single} $B:1"
    specials = [(word, backend.token_to_id(word)) for word in dict.fromkeys((first, last)) if word]
    return processors.TemplateProcessing(
        single=single, pair=pair + (f" {last}:1" if last else ""), special_tokens=specials
    )

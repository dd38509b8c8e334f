"""The classes of tokenizers that folders name, as `transformers` 5 makes them: what each reads, its defaults, how it cuts.

Read from top to bottom: `Vocabulary` is what a folder's files hold, `Given` what its settings say, and an entry of `CLASSES`
says how the two become a backend of the `tokenizers` library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Backend

from headway.base.errors import Corrupt, Unsupported
from headway.tokens.charsmap import precompiled
from headway.tokens.languages import LANGUAGES, OTHER_NAMES

NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
"""Special tokens that every class knows by name."""

GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""How GPT-2 cuts text before its merges (Radford et al., 2019, released encoder.py)."""

LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2_PATTERN = LLAMA3_PATTERN.replace(r"\p{N}{1,3}", r"\p{N}")
CLIP_PATTERN = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What a folder's files hold.

    Attributes:
        pieces: Token -> id, or for unigram models the list of (piece, log-probability) by id.
        merges: Of BPE, in the order in which they were learned.
        table: SentencePiece's compiled table of normalisation, None where there is none.
    """

    pieces: dict[str, int] | list[tuple[str, float]]
    merges: list[tuple[str, str]] = field(default_factory=list)
    table: bytes | None = None


class Given(dict[str, Any]):
    """A folder's settings over the defaults of its class."""

    def word(self, name: str) -> str:
        """The special token `name`, which this class cannot do without."""
        value = self.get(name)
        if value is None:
            raise Unsupported(
                f"the folder's {name} is null, and {self['tokenizer_class']} puts it around texts: give it one"
            )
        return str(value)

    def flag(self, name: str) -> bool:
        """The setting `name`, which is true or false."""
        value = self.get(name)
        if not isinstance(value, bool):
            raise Corrupt(
                f"the tokenizer's {name} is {value!r}, neither true nor false: fetch tokenizer_config.json again"
            )
        return value


Ids = Callable[[str], int]
"""A token -> its id, or that of the unknown one."""


@dataclass(frozen=True, kw_only=True)
class TokenizerClass:
    """How one class makes a backend.

    Attributes:
        kind: The algorithm: ``"BPE"``, ``"Unigram"`` or ``"WordPiece"``.
        defaults: What it reads, and what that is where a folder does not say.
        build: Vocabulary and settings -> backend, without its special tokens.
        around: Puts the marks around a text, after the special tokens have their ids; None to keep what tokenizer.json has.
        files: The vocabulary's files where there is no tokenizer.json.
    """

    kind: str
    defaults: dict[str, Any]
    build: Callable[[Vocabulary, Given], Backend]
    around: Callable[[Backend, Given, Ids], None] | None = None
    files: tuple[str, ...] = ("vocab.json", "merges.txt")


def bpe(vocabulary: Vocabulary, **options: Any) -> Backend:
    """A BPE model, or one line where its merges do not fit."""
    if (unknown := options.get("unk_token")) is not None and unknown not in vocabulary.pieces:
        raise Unsupported(
            f"the vocabulary has no {unknown}, which stands for what is unknown: name another as unk_token"
        )
    try:
        return Backend(models.BPE(vocab=vocabulary.pieces, merges=vocabulary.merges, **options))  # type: ignore[arg-type]
    except Exception as error:
        line = " ".join(str(error).split())
        raise Corrupt(f"the merges do not fit the vocabulary ({line}): fetch the file again") from error


def unigram(vocabulary: Vocabulary, unknown: int) -> Backend:
    """A unigram model whose unknown piece has the id `unknown`, with the table of normalisation if there is one."""
    try:
        backend = Backend(models.Unigram(vocabulary.pieces, unknown, False))  # type: ignore[arg-type]
    except Exception as error:
        line = " ".join(str(error).split())
        raise Corrupt(f"the pieces are no unigram vocabulary ({line}): fetch the file again") from error
    if vocabulary.table:
        backend.normalizer = precompiled(vocabulary.table, "the vocabulary")
    return backend


def _byte_level(vocabulary: Vocabulary, given: Given) -> Backend:
    """GPT-2, RoBERTa, Whisper."""
    backend = bpe(vocabulary, fuse_unk=False, continuing_subword_prefix="", end_of_word_suffix="")
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=given.flag("add_prefix_space"))
    backend.decoder = decoders.ByteLevel()
    return backend


def _neox(vocabulary: Vocabulary, given: Given) -> Backend:
    backend = _byte_level(vocabulary, given)
    backend.normalizer = normalizers.NFC()
    return backend


def _qwen2(vocabulary: Vocabulary, given: Given) -> Backend:
    backend = bpe(vocabulary, fuse_unk=False, continuing_subword_prefix="", end_of_word_suffix="", byte_fallback=False)
    backend.decoder = decoders.ByteLevel()
    backend.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(QWEN2_PATTERN), behavior="isolated", invert=False)
    space = given["add_prefix_space"] is True
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=space, use_regex=False)]
    )
    return backend


def _clip(vocabulary: Vocabulary, given: Given) -> Backend:
    backend = bpe(
        vocabulary,
        fuse_unk=False,
        continuing_subword_prefix="",
        end_of_word_suffix="</w>",
        unk_token=str(given["unk_token"]),
    )
    backend.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    split = pre_tokenizers.Split(Regex(CLIP_PATTERN), behavior="removed", invert=True)
    backend.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    backend.decoder = decoders.ByteLevel()
    return backend


def _bert(vocabulary: Vocabulary, given: Given) -> Backend:
    """Words at spaces and punctuation, then the longest pieces from the left."""
    if given["strip_accents"] is not None:
        given.flag("strip_accents")
    unknown = given.word("unk_token")
    if unknown not in vocabulary.pieces:  # type: ignore[operator]
        raise Unsupported(
            f"this vocabulary of word pieces has no {unknown}, which unknown words need: name its unknown token as unk_token in "
            "tokenizer_config.json"
        )
    backend = Backend(models.WordPiece(vocab=vocabulary.pieces, unk_token=unknown))  # type: ignore[arg-type]
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=given.flag("tokenize_chinese_chars"),
        strip_accents=given["strip_accents"],
        lowercase=given.flag("do_lower_case"),
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    return backend


def _t5(vocabulary: Vocabulary, given: Given) -> Backend:
    backend = unigram(vocabulary, 2)
    metaspace: dict[str, Any] = {"replacement": "▁", "prepend_scheme": "always", "split": True}
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(**metaspace)]
    )
    backend.decoder = decoders.Metaspace(**metaspace)
    return backend


def _xlm_roberta(vocabulary: Vocabulary, given: Given) -> Backend:
    backend = unigram(vocabulary, 3)
    metaspace: dict[str, Any] = {
        "replacement": "▁",
        "prepend_scheme": "always" if given.flag("add_prefix_space") else "never",
    }
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(**metaspace)]
    )
    backend.decoder = decoders.Metaspace(**metaspace)
    return backend


def _llama(vocabulary: Vocabulary, given: Given) -> Backend:
    backend = bpe(vocabulary, fuse_unk=True, byte_fallback=True)
    space = given["add_prefix_space"] is None or given.flag("add_prefix_space")
    scheme: Any = "never" if not space else "always" if given["legacy"] else "first"
    backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme, split=False)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    backend.decoder = decoders.Sequence([*steps, decoders.Strip(content=" ", left=1)] if space else steps)
    return backend


def _gemma(vocabulary: Vocabulary, given: Given) -> Backend:
    backend = bpe(vocabulary, fuse_unk=True, byte_fallback=True, unk_token=str(given["unk_token"]))
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.pre_tokenizer = pre_tokenizers.Split(pattern=" ", behavior="merged_with_previous", invert=False)
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return backend


# What stands around a text


def put_around(backend: Backend, before: list[tuple[str, int]], after: list[tuple[str, int]]) -> None:
    """Put the tokens of `before` in front of a text and those of `after` behind it."""
    single = [*(f"{word}:0" for word, _ in before), "$A:0", *(f"{word}:0" for word, _ in after)]
    second = [*(f"{word}:1" for word, _ in before), "$B:1", *(f"{word}:1" for word, _ in after)]
    backend.post_processor = processors.TemplateProcessing(
        single=single, pair=[*single, *second], special_tokens=list(dict.fromkeys([*before, *after]))
    )


def _bert_around(backend: Backend, given: Given, ids: Ids) -> None:
    first, last = ((word, ids(word)) for word in (given.word("cls_token"), given.word("sep_token")))
    backend.post_processor = processors.TemplateProcessing(
        single=[f"{first[0]}:0", "$A:0", f"{last[0]}:0"],
        pair=[f"{first[0]}:0", "$A:0", f"{last[0]}:0", "$B:1", f"{last[0]}:1"],
        special_tokens=list(dict.fromkeys([first, last])),
    )


def _roberta_around(backend: Backend, given: Given, ids: Ids) -> None:
    first, last = given.word("cls_token"), given.word("sep_token")
    backend.post_processor = processors.RobertaProcessing(
        (last, ids(last)), (first, ids(first)), given.flag("trim_offsets"), given.flag("add_prefix_space")
    )


def _xlm_roberta_around(backend: Backend, given: Given, ids: Ids) -> None:
    first, last = given.word("bos_token"), given.word("eos_token")
    put_around(backend, [(first, ids(first))], [(last, ids(last))])


def _clip_around(backend: Backend, given: Given, ids: Ids) -> None:
    first, last = given.word("bos_token"), given.word("eos_token")
    backend.post_processor = processors.RobertaProcessing((last, ids(last)), (first, ids(first)), False, False)


def _t5_around(backend: Backend, given: Given, ids: Ids) -> None:
    # </s> whatever the folder calls its end, with the id of that.
    put_around(backend, [], [("</s>", ids(given.word("eos_token")))])


def _neox_around(backend: Backend, given: Given, ids: Ids) -> None:
    put_marks(backend, given, ids)


def put_marks(backend: Backend, given: Given, ids: Ids) -> None:
    """A beginning and an end where `add_bos_token` and `add_eos_token` ask for them and there are such tokens."""
    marks = []
    for name in ("bos", "eos"):
        word = given.get(f"{name}_token")
        asked = given.get(f"add_{name}_token", False) and word is not None
        marks.append([(str(word), ids(str(word)))] if asked else [])
    put_around(backend, *marks)


def _whisper_around(backend: Backend, given: Given, ids: Ids) -> None:
    start = ids("<|startoftranscript|>")
    before = [start]
    if (language := given["language"]) is not None:
        spoken = str(language).lower()
        code = (LANGUAGES | OTHER_NAMES).get(spoken, spoken)
        if code not in LANGUAGES.values():
            raise Unsupported(f"the tokenizer's language is {language!r}, which Whisper's vocabulary does not have")
        before.append(start + 1 + list(LANGUAGES.values()).index(code))
    if (task := given["task"]) is not None:
        if task not in ("transcribe", "translate"):
            raise Unsupported(f"the tokenizer's task is {task!r}; Whisper's are 'transcribe' and 'translate'")
        before.append(ids(f"<|{task}|>"))
    if not given["predict_timestamps"]:
        before.append(ids("<|notimestamps|>"))
    words = [backend.id_to_token(id) for id in before]
    if None in words:
        raise Unsupported(f"this vocabulary has no token for the language {given['language']!r}")
    last = given.word("eos_token")
    end = (last, ids(last))
    pairs = [(word, id) for word, id in zip(words, before, strict=True)]
    front = [f"{word}:0" for word, _ in pairs]
    backend.post_processor = processors.TemplateProcessing(
        single=[*front, "$A:0", f"{last}:0"],
        pair=[*front, "$A:0", "$B:1", f"{last}:1"],
        special_tokens=list(dict.fromkeys([end, *pairs])),
    )


END = "<|endoftext|>"

CLASSES: dict[str, TokenizerClass] = {
    "BertTokenizer": TokenizerClass(
        kind="WordPiece",
        defaults={
            "unk_token": "[UNK]",
            "sep_token": "[SEP]",
            "pad_token": "[PAD]",
            "cls_token": "[CLS]",
            "mask_token": "[MASK]",
            "do_lower_case": True,
            "tokenize_chinese_chars": True,
            "strip_accents": None,
        },
        build=_bert,
        around=_bert_around,
        files=("vocab.txt",),
    ),
    "RobertaTokenizer": TokenizerClass(
        kind="BPE",
        defaults={
            "bos_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "cls_token": "<s>",
            "unk_token": "<unk>",
            "pad_token": "<pad>",
            "mask_token": "<mask>",
            "add_prefix_space": False,
            "trim_offsets": True,
        },
        build=_byte_level,
        around=_roberta_around,
    ),
    "GPT2Tokenizer": TokenizerClass(
        kind="BPE",
        defaults={
            "unk_token": END,
            "bos_token": END,
            "eos_token": END,
            "pad_token": None,
            "add_prefix_space": False,
        },
        build=_byte_level,
    ),
    "GPTNeoXTokenizer": TokenizerClass(
        kind="BPE",
        defaults={
            "unk_token": END,
            "bos_token": END,
            "eos_token": END,
            "pad_token": "<|padding|>",
            "add_prefix_space": False,
        },
        build=_neox,
        around=_neox_around,
        files=(),
    ),
    "WhisperTokenizer": TokenizerClass(
        kind="BPE",
        defaults={
            "unk_token": AddedToken(END, normalized=False, special=True),
            "bos_token": AddedToken(END, normalized=False, special=True),
            "eos_token": AddedToken(END, normalized=False, special=True),
            "add_prefix_space": False,
            "language": None,
            "task": None,
            "predict_timestamps": False,
        },
        build=_byte_level,
        around=_whisper_around,
    ),
    "CLIPTokenizer": TokenizerClass(
        kind="BPE",
        defaults={"unk_token": END, "bos_token": "<|startoftext|>", "eos_token": END, "pad_token": END},
        build=_clip,
        around=_clip_around,
    ),
    "Qwen2Tokenizer": TokenizerClass(
        kind="BPE",
        defaults={
            "unk_token": END,
            "bos_token": None,
            "eos_token": END,
            "pad_token": END,
            "add_prefix_space": None,
        },
        build=_qwen2,
    ),
    "T5Tokenizer": TokenizerClass(
        kind="Unigram",
        defaults={"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "extra_ids": 100},
        build=_t5,
        around=_t5_around,
        files=("spiece.model",),
    ),
    "XLMRobertaTokenizer": TokenizerClass(
        kind="Unigram",
        defaults={
            "bos_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "cls_token": "<s>",
            "unk_token": "<unk>",
            "pad_token": "<pad>",
            "mask_token": "<mask>",
            "add_prefix_space": True,
        },
        build=_xlm_roberta,
        around=_xlm_roberta_around,
        files=("sentencepiece.bpe.model",),
    ),
    "LlamaTokenizer": TokenizerClass(
        kind="BPE",
        defaults={
            "unk_token": "<unk>",
            "bos_token": "<s>",
            "eos_token": "</s>",
            "legacy": False,
            "add_prefix_space": None,
        },
        build=_llama,
        files=("tokenizer.model",),
    ),
    "GemmaTokenizer": TokenizerClass(
        kind="BPE",
        defaults={
            "unk_token": "<unk>",
            "bos_token": "<bos>",
            "eos_token": "<eos>",
            "pad_token": "<pad>",
            "mask_token": "<mask>",
        },
        build=_gemma,
        files=("tokenizer.model",),
    ),
}
"""Class -> how it is made. What a folder does not name, or names in another way, is one of these or `AS_WRITTEN`."""

AS_WRITTEN = "TokenizersBackend"
"""The class that takes tokenizer.json as it stands."""

ALIASES = {
    **dict.fromkeys(
        ("DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer", "ConvBertTokenizer", "SqueezeBertTokenizer",
         "LayoutLMTokenizer", "DPRQuestionEncoderTokenizer", "DPRContextEncoderTokenizer", "DPRReaderTokenizer",
         "LxmertTokenizer"),
        "BertTokenizer",
    ),
    **dict.fromkeys(("BartTokenizer", "LongformerTokenizer", "LEDTokenizer", "MvpTokenizer"), "RobertaTokenizer"),
    **dict.fromkeys(
        ("PreTrainedTokenizer", "PreTrainedTokenizerFast", "PythonBackend", "BloomTokenizer", "TokenizersBackend"), AS_WRITTEN
    ),
}  # fmt: skip
"""Other names of these classes in `transformers` 5."""

CLASS_OF_MODEL = {
    "bert": "BertTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "gpt2": "GPT2Tokenizer",
    "qwen2": "Qwen2Tokenizer",
    "qwen3": "Qwen2Tokenizer",
    "gemma": "GemmaTokenizer",
    "gemma2": "GemmaTokenizer",
    "gemma3": "GemmaTokenizer",
    "gemma3_text": "GemmaTokenizer",
    "t5": "T5Tokenizer",
    "mt5": "T5Tokenizer",
    "mamba": "GPTNeoXTokenizer",
    "mamba2": "GPTNeoXTokenizer",
    "whisper": "WhisperTokenizer",
    "clip": "CLIPTokenizer",
    "marian": "MarianTokenizer",
    "mistral": AS_WRITTEN,
    "mixtral": AS_WRITTEN,
    "llava": AS_WRITTEN,
    "olmo2": AS_WRITTEN,
}
"""``model_type`` -> the class where a folder names none; "llama" has none, and what names none takes its tokenizer.json."""

MISNAMED = ("qwen2", "llava")
"""``model_type``s whose folders often name a wrong class: that of the model counts."""

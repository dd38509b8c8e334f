"""The tokenizer in a folder: its files and settings as `transformers` 5 reads them, each read or refused by name.

tokenizer_config.json, special_tokens_map.json, added_tokens.json  ->  the class and what it is given
tokenizer.json, or the vocabulary's own files                      ->  the vocabulary
both                                                               ->  a backend, its special tokens, what is put around
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, models
from tokenizers import Tokenizer as Backend

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.base.reading import read_json_object, read_text
from headway.tokens.charsmap import check_charsmaps
from headway.tokens.classes import (
    ALIASES,
    AS_WRITTEN,
    CLASS_OF_MODEL,
    CLASSES,
    MISNAMED,
    NAMED,
    Given,
    TokenizerClass,
    Vocabulary,
    put_marks,
)
from headway.tokens.parts import Parts
from headway.tokens.sentencepiece import CONTROL, USER_DEFINED, Pieces, read_pieces, refuse_pieces

CONFIG = "tokenizer_config.json"

READ = frozenset(
    {*NAMED, "tokenizer_class", "added_tokens_decoder", "additional_special_tokens", "extra_special_tokens", "chat_template",
     "model_specific_special_tokens", "add_bos_token", "add_eos_token", "split_special_tokens", "clean_up_tokenization_spaces",
     "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output"}
)  # fmt: skip
"""Settings that every class reads."""

WITHOUT_EFFECT = frozenset(
    {"name_or_path", "special_tokens_map_file", "tokenizer_file", "vocab_file", "merges_file", "full_tokenizer_file",
     "model_max_length", "max_len", "max_length", "model_input_names", "padding_side", "truncation_side", "truncation_strategy",
     "truncation", "padding", "stride", "pad_to_multiple_of", "pad_token_type_id", "processor_class", "verbose", "errors",
     "backend", "is_local", "local_files_only", "files_loaded", "use_fast", "from_slow", "trust_remote_code", "device_map",
     "vocab_size", "return_token_type_ids", "return_attention_mask", "return_tensors", "spaces_between_special_tokens",
     "use_default_system_prompt", "tokenizer_type", "transformers_version", "torch_dtype", "response_template",
     "response_schema", "chat_control_tokens", "do_basic_tokenize", "never_split", "wordpieces_prefix", "do_lowercase",
     "normalizer_file", "lang_codes", "cls_token_box", "sep_token_box", "pad_token_box", "pad_token_label",
     "only_label_first_subword", "add_dummy_prefix_space", "legacy_behaviour", "use_auth_token", "token", "revision",
     "cache_dir", "subfolder", "_commit_hash", "_from_auto", "tie_word_embeddings", "model_type", "architectures", "notes",
     "tokenizer_version", "tokenizer_json"}
)  # fmt: skip
"""Settings that `transformers` 5 does not look at when it makes ids of a text, or that have no part in it."""

REFUSED = {
    "init_inputs": "arguments of a class without their names",
    "fix_mistral_regex": "another pattern than tokenizer.json's",
    "sp_model_kwargs": "sampling by SentencePiece, with other ids each time",
}
"""Settings that change the ids and that are not done here: name -> what it asks for."""


def raise_panic(error: BaseException, whose: str) -> None:
    """Raise Corrupt where `error` is a panic of the `tokenizers` library, which is none of Python's exceptions."""
    if type(error).__name__ == "PanicException":
        line = " ".join(str(error).split())[:200]
        raise Corrupt(f"{whose} has settings that do not fit together ({line}): fetch its files again") from error


class Missing(Unsupported):
    """There is no tokenizer in the folder."""


VOCABULARIES = (
    "tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model", "source.spm"
)  # fmt: skip
"""Files of which a folder with a tokenizer has one."""


def read_folder(folder: Path, name: str) -> Parts:
    """What the folder's files make, for every class but Marian's.

    Raises:
        Missing: there is no tokenizer in the folder.
        Unsupported: it has a setting, a class or a file that is not read here, each by its name.
        Corrupt: a file is damaged.
    """
    config = read_config(folder)
    wanted = class_of(folder, config)
    if wanted == "MarianTokenizer":
        raise Unsupported(f"{folder} holds Marian's tokenizer: load it with headway.tokens.load.load_tokenizer")
    try:
        return _parts(folder, config, wanted, name)
    except HeadwayError:
        raise
    except BaseException as error:
        raise_panic(error, str(folder))
        if not isinstance(error, Exception):
            raise
        # Whatever the library says about settings that do not fit.
        line = " ".join(str(error).split())
        raise Corrupt(f"{folder}: its tokenizer's files do not fit together ({line}): fetch them again") from error
    finally:
        _tokenizer_json.cache_clear()


def read_config(folder: Path) -> dict[str, Any]:
    """tokenizer_config.json; `Missing` where the folder has no tokenizer at all."""
    if not any((folder / file).is_file() for file in VOCABULARIES):
        found = ", ".join(sorted(path.name for path in folder.glob("*token*"))) or "none"
        raise Missing(
            f"{folder} has no tokenizer Headway reads (tokenizer.json; vocab.json and merges.txt; vocab.txt; spiece.model; "
            f"tokenizer.model; source.spm and vocab.json); there: {found}."
        )
    return read_object(folder / CONFIG)


# Which class


def class_of(folder: Path, config: Mapping[str, Any]) -> str:
    """The class that reads `folder`: by its tokenizer_class, its model_type, and where it says neither, by its files.

    The order is that of `transformers`' AutoTokenizer.
    """
    if isinstance(mapped := config.get("auto_map"), Mapping) and mapped.get("AutoTokenizer"):
        raise Unsupported(f"{folder / CONFIG} asks for code of its own (auto_map), which Headway never runs")
    model = read_object(folder / "config.json")
    kind = model.get("model_type")
    registered = CLASS_OF_MODEL.get(kind) if isinstance(kind, str) else None
    declared = _class_name(config) or _class_name(model)
    if declared is None:
        if registered is None:
            return AS_WRITTEN if kind is not None else _class_by_files(folder)
        return AS_WRITTEN if _is_of_another_kind(folder, registered) else registered
    if declared == "LlamaTokenizer" and kind not in MISNAMED and _is_byte_level(folder):
        return AS_WRITTEN  # Llama 3 names the class of Llama 2
    if registered == AS_WRITTEN:
        return AS_WRITTEN
    if registered is not None and kind in MISNAMED:
        return registered
    return _known(declared, folder)


def _is_of_another_kind(folder: Path, name: str) -> bool:
    """Whether a tokenizer.json is not what `name`, the usual class of the model, can be made of: a BERT over bytes, say.

    Runs of `headway train` pair any model with any tokenizer. `transformers` cannot read such a folder unless it says that
    its tokenizer.json stands for itself.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        return False
    if name not in CLASSES:
        return name != AS_WRITTEN and not (folder / "source.spm").is_file()
    model = read_object(path).get("model")
    if not isinstance(model, Mapping) or model.get("type", CLASSES[name].kind) != CLASSES[name].kind:
        return True
    unknown = CLASSES[name].defaults["unk_token"]
    return name == "CLIPTokenizer" and isinstance(model.get("vocab"), Mapping) and str(unknown) not in model["vocab"]


def _class_name(facts: Mapping[str, Any]) -> str | None:
    value = facts.get("tokenizer_class")
    if value is None:
        return None
    if not isinstance(value, str):
        raise Corrupt(f"tokenizer_class is {value!r}, which names no class: fetch the folder again")
    found = value.removesuffix("Fast")
    return ALIASES.get(value, ALIASES.get(found, found))


def _known(declared: str, folder: Path) -> str:
    if declared in (*CLASSES, AS_WRITTEN, "MarianTokenizer"):
        return declared
    known = ", ".join(sorted((*CLASSES, "MarianTokenizer", "PreTrainedTokenizerFast")))
    raise Unsupported(f"{folder} names the tokenizer class {declared}; Headway has {known}")


def _class_by_files(folder: Path) -> str:
    """For a folder that says nothing: what its files are those of."""
    for file, name in (
        ("tokenizer.json", AS_WRITTEN),
        ("source.spm", "MarianTokenizer"),
        ("merges.txt", "GPT2Tokenizer"),
        ("vocab.txt", "BertTokenizer"),
        ("spiece.model", "T5Tokenizer"),
        ("sentencepiece.bpe.model", "XLMRobertaTokenizer"),
    ):
        if (folder / file).is_file():
            return name
    raise Unsupported(
        f"{folder} does not say which class reads its vocabulary: give its config.json a model_type, or its {CONFIG} a "
        "tokenizer_class"
    )


def _is_byte_level(folder: Path) -> bool:
    path = folder / "tokenizer.json"
    return path.is_file() and '"ByteLevel"' in read_text(path)


# What it is given


def _parts(folder: Path, config: dict[str, Any], wanted: str, name: str) -> Parts:
    kind = CLASSES.get(wanted)
    given, added = _settings(folder, config, wanted, kind)
    if kind is None:
        backend, written = _as_written(folder, wanted, given), (folder / "tokenizer.json").is_file()
    else:
        vocabulary, processor = _vocabulary(folder, wanted, kind, given)
        backend, written = kind.build(vocabulary, given), processor is not None
        if processor is not None:
            backend.post_processor = processor
    _add_tokens(backend, given, added)
    unknown = _id(backend, given.get("unk_token"))

    def ids(token: str) -> int:
        found = backend.token_to_id(token)
        if found is None and unknown is None:
            raise Unsupported(f"{folder}: the vocabulary has no {token}, which {wanted} puts around texts")
        return unknown if found is None else found  # type: ignore[return-value]

    if not written or "add_bos_token" in given or "add_eos_token" in given:
        put_marks(backend, given, ids)
    if kind is not None and kind.around is not None:
        kind.around(backend, given, ids)
    if wanted == "Qwen2Tokenizer":
        backend.add_tokens([AddedToken(str(word), special=True) for word in _special_words(given)])
    return Parts(
        backend=backend,
        words={word: str(value) for word, value in given.items() if _is_token(word, value)},
        stops=_stops(folder),
        template=_template(folder, config),
        name=name,
        tidy=_tidies(backend, given),
        suffix="</w>" if wanted == "CLIPTokenizer" else None,
        splits_special=bool(given.get("split_special_tokens")),
    )


def _settings(
    folder: Path, config: dict[str, Any], wanted: str, kind: TokenizerClass | None
) -> tuple[Given, dict[int, AddedToken]]:
    """What the class is given, and the added tokens by the id that the files write beside them."""
    path = folder / CONFIG
    options = set(kind.defaults) if kind else set()
    refuse_unknown(config, options, path)
    given = Given(kind.defaults if kind else {})
    given["tokenizer_class"] = wanted
    told = {key: value for key, value in config.items() if key not in WITHOUT_EFFECT | {"tokenizer_class", "auto_map"}}
    if (folder / "tokenizer.json").is_file():  # which says itself what is put around a text
        told.pop("add_bos_token", None)
        told.pop("add_eos_token", None)
    if told.get("additional_special_tokens") is not None and not told.get("extra_special_tokens"):
        told["extra_special_tokens"] = told.pop("additional_special_tokens")
    if "added_tokens_decoder" not in told:
        told |= _special_tokens_map(folder / "special_tokens_map.json", told)
    added = added_tokens(folder, told)
    told.pop("added_tokens_decoder", None)
    by_text = {str(token): token for token in added.values()}
    for key, value in told.items():
        if key == "model_specific_special_tokens" or (key == "extra_special_tokens" and isinstance(value, Mapping)):
            for word, token in dict(value or {}).items():
                given[str(word)] = _token(token, path)
        elif key in ("extra_special_tokens", "additional_special_tokens"):
            given[key] = None if value is None else [_token(token, path) for token in _list(value, key, path)]
        elif key.endswith("_token") and not key.startswith("add_") and value is not None:
            token = _token(value, path)
            given[key] = by_text.get(str(token), token) if key in NAMED else token
        elif key != "chat_template":
            given[key] = value
    if "pad_token" not in given and (pad := _padding_token(folder / "tokenizer.json")) is not None:
        given["pad_token"] = pad
    return given, added


def _padding_token(path: Path) -> str | None:
    """The token that a tokenizer.json pads with, which is the folder's pad token where its settings and class name none."""
    padding = read_object(path).get("padding")
    if padding is None:
        return None
    if not isinstance(padding, Mapping) or not isinstance(pad := padding.get("pad_token"), str):
        raise Corrupt(f"{path}: its padding is no object with a pad_token: fetch it again")
    return pad


def added_tokens(folder: Path, told: Mapping[str, Any]) -> dict[int, AddedToken]:
    """The tokens that were added to a vocabulary, by the ids that the folder's files write beside them."""
    if "added_tokens_decoder" in told:
        return _added(told["added_tokens_decoder"], folder / CONFIG)
    added = _added_tokens_json(folder / "added_tokens.json", told)
    if (folder / "tokenizer.json").is_file():
        rows = read_object(folder / "tokenizer.json").get("added_tokens") or []
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise Corrupt(f"{folder / 'tokenizer.json'} has no list of added tokens: fetch it again")
        added |= _added({row.get("id"): row for row in rows}, folder / "tokenizer.json")
    return dict(sorted(added.items()))


def token_text(value: Any, path: Path) -> str:
    """The text of a token, as the files write it."""
    return str(_token(value, path))


def refuse_unknown(config: Mapping[str, Any], options: set[str], path: Path) -> None:
    every = {option for kind in CLASSES.values() for option in kind.defaults} | {"source_lang", "target_lang"}
    for key, value in config.items():
        if key == "auto_map" or value is None or value is False or value in ("", [], {}):
            continue
        if key in REFUSED:
            raise Unsupported(f"{path} sets {key} to {value!r:.80} ({REFUSED[key]}), which Headway does not do")
        if key == "fast_tokenizer_files" and value != ["tokenizer.json"]:
            raise Unsupported(
                f"{path} lists other files than tokenizer.json (fast_tokenizer_files), which Headway does not read"
            )
        known = READ | WITHOUT_EFFECT | options | every | {"fast_tokenizer_files"}
        # Named tokens of a model's own (image_token, ...) are read, and so are their ids' names.
        if key in known or (key.endswith(("_token", "_token_id")) and isinstance(value, str | Mapping | int)):
            continue
        raise Unsupported(
            f"{path} sets {key} to {value!r:.80}, which Headway does not know: take it out if it does not matter"
        )


def _list(value: Any, key: str, path: Path) -> list[Any]:
    if not isinstance(value, list):
        raise Corrupt(f"{path}: {key} is no list of tokens: fetch it again")
    return value


def _token(value: Any, path: Path) -> str | AddedToken:
    """A token as the files write it: a string, or an object with its content and how it is found."""
    if isinstance(value, str | AddedToken):
        return value
    content = value.get("content") if isinstance(value, Mapping) else None
    if not isinstance(content, str):
        raise Corrupt(f"{path}: {value!r:.80} is no token: fetch it again")
    return _added_token(value, path)


FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


def _added_token(row: Mapping[str, Any], path: Path) -> AddedToken:
    if strange := [key for key in row if key not in ("content", "__type", "id", *FLAGS)]:
        raise Unsupported(f"{path} gives the token {row['content']!r:.60} a {strange[0]}, which Headway does not know")
    return AddedToken(row["content"], **{flag: bool(row[flag]) for flag in FLAGS if flag in row})


def _added(rows: Any, path: Path) -> dict[int, AddedToken]:
    try:
        found = {int(id): row for id, row in rows.items()}
    except (AttributeError, TypeError, ValueError):
        raise Corrupt(f"{path}: its added tokens are no objects under their ids: fetch it again") from None
    for row in found.values():
        if not isinstance(row, Mapping) or not isinstance(row.get("content"), str):
            raise Corrupt(f"{path}: the added token {row!r:.80} has no content: fetch it again")
    return {id: _added_token(row, path) for id, row in sorted(found.items())}


def _special_tokens_map(path: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """special_tokens_map.json, which wins over tokenizer_config.json where that has no added_tokens_decoder."""
    found: dict[str, Any] = {}
    for key, value in read_object(path).items():
        if not (key in READ or key.endswith("_token")):
            raise Unsupported(f"{path} sets {key}, which Headway does not know there")
        if isinstance(value, Mapping) and key != "extra_special_tokens":
            found[key] = _token({**value, "special": True}, path)
        elif key == "extra_special_tokens" and isinstance(value, list):
            before = [_token(token, path) for token in told.get(key) or []]
            tokens = [_token({**t, "special": True} if isinstance(t, Mapping) else t, path) for t in value]
            found[key] = before + [token for token in tokens if token not in before]
        else:
            found[key] = value
    return found


def _added_tokens_json(path: Path, told: Mapping[str, Any]) -> dict[int, AddedToken]:
    """added_tokens.json, as folders had it before added_tokens_decoder: token -> id."""
    content = read_object(path)
    if not all(type(id) is int for id in content.values()):
        raise Corrupt(f"{path} is no object of tokens and ids: fetch it again")
    words = [told.get(name) for name in NAMED] + list(told.get("extra_special_tokens") or [])
    special = {str(_token(word, path)) for word in words if word}
    return {
        id: AddedToken(token, lstrip=False, rstrip=False, normalized=token not in special, special=token in special)
        for token, id in content.items()
    }


# The vocabulary


def _as_written(folder: Path, wanted: str, given: Given) -> Backend:
    path = folder / "tokenizer.json"
    if path.is_file():
        return read_backend(path)
    raise Unsupported(
        f"{folder} has no tokenizer.json, and its class ({wanted}) reads nothing else: convert it with transformers "
        "(AutoTokenizer.from_pretrained(folder).save_pretrained(folder))"
    )


def read_backend(path: Path) -> Backend:
    """A tokenizer.json as the `tokenizers` library reads it."""
    text = read_text(path)
    if '"Precompiled"' in text:
        check_charsmaps(read_object(path), path)
    if '"Strip"' in text:
        _refuse_stripped_ends(read_object(path).get("decoder"), path)
    try:
        return Backend.from_str(text)
    except BaseException as error:
        raise_panic(error, str(path))
        if not isinstance(error, Exception):
            raise
        raise Corrupt(f"{path} is no tokenizer ({' '.join(str(error).split())}): fetch it again") from error


def _refuse_stripped_ends(decoder: Any, path: Path) -> None:
    """Refuse a decoder that takes signs from the end of a token: the library ends in a panic where nothing else is left of it."""
    steps = [decoder]
    while steps:
        step = steps.pop()
        if not isinstance(step, Mapping):
            continue
        if isinstance(step.get("decoders"), list):
            steps += step["decoders"]
        if step.get("type") == "Strip" and step.get("stop"):
            raise Unsupported(
                f"{path} has a decoder that strips {step['stop']!r:.20} signs from the end of a token (Strip, stop), which "
                "Headway does not do"
            )


def _vocabulary(folder: Path, wanted: str, kind: TokenizerClass, given: Given) -> tuple[Vocabulary, Any]:
    """The vocabulary, and what tokenizer.json puts around a text, None where there is no tokenizer.json."""
    path = folder / "tokenizer.json"
    if path.is_file():
        return _from_tokenizer_json(path, wanted, kind)
    if (folder / "tokenizer.model").is_file() and kind.kind != "WordPiece":
        return _from_pieces(folder / "tokenizer.model", wanted, kind, given), None
    missing = [file for file in kind.files if not (folder / file).is_file()]
    if missing or not kind.files:
        wants = f"{' and '.join(kind.files)}, or tokenizer.json" if kind.files else "tokenizer.json"
        raise Unsupported(f"{folder} has no {wants}, which {wanted} reads")
    first = folder / kind.files[0]
    if first.suffix == ".model":
        return _from_pieces(first, wanted, kind, given), None
    try:
        if kind.kind == "WordPiece":
            read_text(first)
            return Vocabulary(pieces=models.WordPiece.read_file(str(first))), None
        read_json_object(first)
        read_text(folder / kind.files[1])
        pieces, merges = models.BPE.read_file(str(first), str(folder / kind.files[1]))
        return Vocabulary(pieces=pieces, merges=merges), None
    except HeadwayError:
        raise
    except Exception as error:
        line = " ".join(str(error).split())
        raise Corrupt(f"{' and '.join(kind.files)} in {folder} are no vocabulary ({line}): fetch them again") from error


def _from_tokenizer_json(path: Path, wanted: str, kind: TokenizerClass) -> tuple[Vocabulary, Any]:
    """The vocabulary of a tokenizer.json, of which the class makes a backend anew: its own settings win over the file's."""
    content = read_object(path)
    model = content.get("model")
    if not isinstance(model, Mapping):
        raise Corrupt(f"{path} is no tokenizer (it has no model): fetch it again")
    has = model.get("type", kind.kind)
    if has != kind.kind:
        raise Unsupported(f"{path} is of the kind {has}, and the folder's class, {wanted}, is of the kind {kind.kind}")
    if kind.kind == "Unigram" or "type" not in model:
        backend = read_backend(path)
    else:  # what is put around a text is asked for alone: a quarter of the time for a large vocabulary
        empty = {
            **content,
            "model": {**model, "vocab": {}} | ({"merges": []} if "merges" in model else {}),
            "added_tokens": [],
        }
        backend = Backend.from_str(json.dumps(empty))
    vocab: Any = model.get("vocab")
    if kind.kind == "Unigram":
        pieces: Any = [(piece, float(score)) for piece, score in vocab]
    elif isinstance(vocab, list):
        pieces = {piece[0] if isinstance(piece, list) else piece: n for n, piece in enumerate(vocab)}
    else:
        pieces = vocab
    merges = [tuple(row.split(" ")) if isinstance(row, str) else tuple(row) for row in model.get("merges") or ()]
    return Vocabulary(pieces=pieces, merges=merges, table=_table(content.get("normalizer"))), backend.post_processor  # type: ignore[arg-type]


def _table(normalizer: Any) -> bytes | None:
    """SentencePiece's table in the normalizer of a tokenizer.json: the first of a sequence."""
    if not isinstance(normalizer, Mapping):
        return None
    steps = normalizer.get("normalizers", []) if normalizer.get("type") == "Sequence" else [normalizer]
    for step in steps:
        if step.get("type") == "Precompiled":
            return base64.b64decode(step["precompiled_charsmap"])
    return None


def _from_pieces(path: Path, wanted: str, kind: TokenizerClass, given: Given) -> Vocabulary:
    """A SentencePiece vocabulary, as the class takes it; what it would take for something else is refused."""
    found = read_pieces(path)
    refuse_pieces(found, path, merges=kind.kind == "BPE", prefix=_begins_with_space(wanted, given))
    marks = [
        AddedToken(piece, normalized=False, special=type_ == CONTROL)
        for piece, _, type_ in found.pieces
        if type_ in (CONTROL, USER_DEFINED)
    ]
    if wanted == "T5Tokenizer":
        return _t5_pieces(found, given, marks, path)
    given["additional_special_tokens"] = marks
    if kind.kind == "BPE":
        ids = {piece: n for n, (piece, *_) in enumerate(found.pieces)}
        return Vocabulary(pieces=ids, merges=_merges(ids))
    first = [(str(given[name]), 0.0) for name in ("bos_token", "pad_token", "eos_token", "unk_token")]
    rest = [(piece, score) for piece, score, _ in found.pieces[3:]]
    return Vocabulary(pieces=[*first, *rest, (str(given["mask_token"]), 0.0)], table=found.table or None)


def _begins_with_space(wanted: str, given: Given) -> bool:
    if wanted == "GemmaTokenizer":
        return False
    return "add_prefix_space" not in CLASSES[wanted].defaults or given["add_prefix_space"] is not False


def _t5_pieces(found: Pieces, given: Given, marks: list[AddedToken], path: Path) -> Vocabulary:
    """The file's pieces, then the names of gaps from the last to the first."""
    if found.pieces[2][2] != 2 if len(found.pieces) > 2 else True:
        raise Unsupported(f"{path} has its unknown piece elsewhere than at the id 2, where T5's is")
    gaps = given["extra_ids"]
    if isinstance(gaps, bool) or not isinstance(gaps, int) or not 0 <= gaps <= 100_000:
        raise Corrupt(f"the tokenizer's extra_ids is {gaps!r}, no number of gaps: fetch {CONFIG} again")
    given["additional_special_tokens"] = marks
    pieces = [(piece, score) for piece, score, _ in found.pieces]
    return Vocabulary(
        pieces=pieces + [(f"<extra_id_{n}>", 0.0) for n in reversed(range(gaps))], table=found.table or None
    )


def _merges(ids: dict[str, int]) -> list[tuple[str, str]]:
    """What may be merged into each piece, in the order in which SentencePiece learned them: that of the vocabulary."""
    found: list[tuple[int, str, str]] = []
    for piece, id in ids.items():
        halves = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        known = [(left, right) for left, right in halves if left in ids and right in ids]
        found += [(id, left, right) for left, right in sorted(known, key=lambda pair: (ids[pair[0]], ids[pair[1]]))]
    found.sort(key=lambda merge: (merge[0], len(merge[1]), len(merge[2])))
    return [(left, right) for _, left, right in found]


# Special tokens


def _is_token(key: str, value: Any) -> bool:
    return key.endswith("_token") and isinstance(value, str | AddedToken)


def _special_words(given: Given) -> list[str | AddedToken]:
    """The named special tokens, those of every class first, then the others."""
    named = [given[name] for name in NAMED if given.get(name) is not None]
    own = [value for key, value in given.items() if key not in NAMED and _is_token(key, value)]
    words = [*named, *own, *(given.get("extra_special_tokens") or ())]
    return list({str(word): word for word in reversed(words)}.values())[::-1]


def _add_tokens(backend: Backend, given: Given, added: dict[int, AddedToken]) -> None:
    """Added tokens in the order of the ids that the files write, then the special tokens that are not among them."""
    if given["tokenizer_class"] == "T5Tokenizer":
        _add_gaps(given)
    elif "extra_special_tokens" not in given and given.get("additional_special_tokens"):
        given["extra_special_tokens"] = given["additional_special_tokens"]
    tokens: list[str | AddedToken] = list(added.values())
    words = [given.get(name) for name in NAMED]
    words += [value for key, value in given.items() if key not in NAMED and _is_token(key, value)]
    known = {token.content for token in backend.get_added_tokens_decoder().values()} | {str(token) for token in tokens}
    for word in [*words, *(given.get("extra_special_tokens") or ())]:
        if word is not None and str(word) not in known and word not in tokens:
            tokens.append(word)
    named = {str(word) for word in words if word}
    made = []
    for token in tokens:
        if isinstance(token, str):
            token = AddedToken(token, special=True)
        elif not token.special and str(token) in named:
            token.special = True
        made.append(token)
    if made:
        backend.add_tokens(made)


def _add_gaps(given: Given) -> None:
    """T5's names of gaps are special tokens, unless the folder names its special tokens itself."""
    gaps, extra = given["extra_ids"], given.get("additional_special_tokens")
    names = [f"<extra_id_{n}>" for n in range(gaps)]
    if extra is None:
        extra = names
    else:
        among = [token for token in extra if "<extra_id_" in str(token)]
        if not among:
            extra = [*extra, *names]
        elif gaps and gaps != len(among):
            raise Unsupported(f"the tokenizer has extra_ids {gaps}, and {len(among)} of them among its special tokens")
    if "extra_special_tokens" not in given:
        given["extra_special_tokens"] = extra


def _id(backend: Backend, word: Any) -> int | None:
    return None if word is None else backend.token_to_id(str(word))


def _tidies(backend: Backend, given: Given) -> bool:
    """Whether spaces before full stops and the like are taken out of a decoded text."""
    if not given.get("clean_up_tokenization_spaces"):
        return False
    forced = given.get("clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output")
    return type(backend.model).__name__ != "BPE" or bool(forced)


# What lies beside it


def _stops(folder: Path) -> list[int]:
    ends = read_object(folder / "generation_config.json").get("eos_token_id")
    return [end for end in (ends if isinstance(ends, list) else [ends]) if type(end) is int]


def _template(folder: Path, config: dict[str, Any]) -> str | None:
    """The chat template: a file of its own wins over one in a .json; of several by name, the one called default."""
    if (folder / "chat_template.jinja").is_file():
        return read_text(folder / "chat_template.jinja")
    if any((folder / "additional_chat_templates").glob("*.jinja")):
        raise Unsupported(f"{folder} has additional_chat_templates, and no chat_template.jinja, the one for common use")
    found = read_object(folder / "chat_template.json").get("chat_template") or config.get("chat_template")
    if isinstance(found, list):
        found = {entry.get("name"): entry.get("template") for entry in found if isinstance(entry, Mapping)}
    if isinstance(found, Mapping):
        if "default" not in found:
            raise Unsupported(f"{folder} has several chat templates, and none is called default")
        found = found["default"]
    if found is not None and not isinstance(found, str):
        raise Corrupt(f"{folder}: its chat_template is no text: fetch it again")
    return found


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where there is no such file."""
    if not path.is_file():
        return {}
    if path.name != "tokenizer.json":
        return read_json_object(path)
    state = path.stat()
    return _tokenizer_json(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=1)
def _tokenizer_json(path: Path, *state: int) -> dict[str, Any]:
    """The content of a tokenizer.json, which is large and asked for several times while a folder is read."""
    return read_json_object(path)

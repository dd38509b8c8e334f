"""The tokenizers that checkpoints ship, run by the `tokenizers` library: from a Hugging Face folder, or from GGUF metadata."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Backend

from headway.base.errors import HeadwayError
from headway.base.files import write_text
from headway.tokens.folder import raise_panic, read_folder, read_object
from headway.tokens.gguf import read_gguf
from headway.tokens.parts import Parts
from headway.tokens.tokenizer import Tokenizer

ENDS = ("<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "<end_of_turn>", "<|end|>", "<|eom_id|>")
"""Special tokens with which models end their turn: they stop a reply where the chat template uses them."""

TIDIED = (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're")
"""Spaces that joining words leaves where nobody writes them, in the order in which they are taken out."""

STALE = ("added_tokens.json", "special_tokens_map.json", "chat_template.jinja", "chat_template.json")
"""Files whose content stands in tokenizer.json and tokenizer_config.json once a tokenizer is saved."""

BYTE_TOKEN = re.compile(r"<0x[0-9A-Fa-f]{2}>")


class PretrainedTokenizer(Tokenizer):
    """Text <-> ids as a checkpoint was trained on them: `headway.tokens.tokenizer.Tokenizer` says what each method does.

    Attributes:
        parts: What it is made of.
        backend: The `tokenizers` library's.
    """

    def __init__(self, parts: Parts):
        self.parts, self.backend = parts, parts.backend
        self.template, self.name = parts.template, parts.name
        self.backend.no_padding()
        self.backend.no_truncation()
        self.backend.encode_special_tokens = parts.splits_special
        self.bos, self.eos, self.pad, self.unk = (
            None if (word := parts.words.get(f"{kind}_token")) is None else self.backend.token_to_id(word)
            for kind in ("bos", "eos", "pad", "unk")
        )
        ends = {self.backend.token_to_id(word) for word in ENDS if self.template and word in self.template}
        self.stop_ids = frozenset(id for id in {*parts.stops, self.eos, *ends} if id is not None)
        self._special = frozenset(id for id, token in self.backend.get_added_tokens_decoder().items() if token.special)

    @classmethod
    def from_folder(cls, folder: Path | str, *, name: str | None = None) -> PretrainedTokenizer:
        """From a Hugging Face folder: `headway.tokens.folder` says which files and settings are read."""
        return cls(read_folder(Path(folder), name or Path(folder).name))

    @classmethod
    def from_gguf(cls, facts: Mapping[str, Any], *, name: str | None = None) -> PretrainedTokenizer:
        """From the metadata of a GGUF file (the keys ``tokenizer.*``)."""
        return cls(read_gguf(facts, name or str(facts.get("general.name", "this model"))))

    def save(self, folder: Path | str) -> None:
        """Write it into a folder, for `from_folder` and for `transformers`: tokenizer.json, and what lies beside it."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        facts: dict[str, Any] = {**self.parts.words, "tokenizer_class": "PreTrainedTokenizerFast"}
        if self.parts.suffix is not None:
            facts["tokenizer_class"] = "CLIPTokenizer"  # the only one that takes its suffix out of a text again
        if self.template is not None:
            facts["chat_template"] = self.template
        if self.parts.tidy:
            facts["clean_up_tokenization_spaces"] = True
        if self.parts.splits_special:
            facts["split_special_tokens"] = True
        write_text(folder / "tokenizer.json", self.backend.to_str())
        for stale in STALE:  # of another tokenizer, which would be read beside this one
            (folder / stale).unlink(missing_ok=True)
        write_text(folder / "tokenizer_config.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
        if self.stop_ids - {self.eos}:
            told = read_object(folder / "generation_config.json") | {"eos_token_id": sorted(self.stop_ids)}
            write_text(folder / "generation_config.json", json.dumps(told, indent=2) + "\n")

    @functools.cached_property
    def vocab_size(self) -> int:  # type: ignore[override]
        """Ids run from 0 to below this, those of special tokens included, and those that no token has."""
        return max(self.backend.get_vocab(with_added_tokens=True).values(), default=-1) + 1

    @property
    def special_ids(self) -> frozenset[int]:
        return self._special

    @functools.cached_property
    def _strict(self) -> Backend:
        """The backend again, for which a special token in a text is text like any other."""
        strict = copy.deepcopy(self.backend)
        strict.encode_special_tokens = True
        return strict

    def encode(self, text: str, *, special: bool = True, recognise: bool = True) -> list[int]:
        backend = self.backend if recognise else self._strict
        return self.checked(_encoded(backend, [text], special)[0])

    def encode_batch(self, texts: Sequence[str], *, special: bool = True) -> list[list[int]]:
        """`encode` of each of `texts`."""
        return [self.checked(ids) for ids in _encoded(self.backend, list(texts), special)]

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """The text of `ids`; special tokens are left out unless `special`. Bytes that are no UTF-8 become U+FFFD."""
        twins = self.parts.twins
        try:
            text = self.backend.decode([twins.get(id, id) for id in ids], skip_special_tokens=not special)
        except BaseException as error:
            raise_panic(error, f"the tokenizer of {self.name}")
            raise
        if self.parts.suffix is not None:
            text = text.replace(self.parts.suffix, " ").strip()
        for apart in TIDIED if self.parts.tidy else ():
            text = text.replace(apart, apart.strip() if apart != " ' " else "'")
        return text

    def tokens(self, ids: Iterable[int]) -> list[str]:
        return [self.backend.id_to_token(self.parts.twins.get(id, id)) or "" for id in ids]

    def id_of(self, token: str) -> int | None:
        return self.backend.token_to_id(token)

    @functools.cached_property
    def _joins_bytes(self) -> bool:
        return "ByteFallback" in repr(self.backend.decoder)

    def settled(self, id: int) -> bool:
        if self.parts.tidy or self.parts.suffix is not None:  # what follows may still close a space
            return False
        token = self.backend.id_to_token(self.parts.twins.get(id, id))
        return token is not None and not (self._joins_bytes and BYTE_TOKEN.fullmatch(token))

    def named_tokens(self) -> dict[str, str]:
        return dict(self.parts.words)


def _encoded(backend: Backend, texts: list[str], special: bool) -> list[list[int]]:
    try:
        return [found.ids for found in backend.encode_batch(texts, add_special_tokens=special)]
    except BaseException as error:
        raise_panic(error, "the model's tokenizer")
        if not isinstance(error, Exception):
            raise
        # The vocabulary lacks what stands for the unknown.
        line = " ".join(str(error).split())
        raise HeadwayError(f"this text cannot be written with the model's vocabulary ({line})") from error

"""Marian's tokenizer: the source's SentencePiece cuts the text, and vocab.json, shared by both languages, gives the ids."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Backend

from headway.base.errors import Corrupt, Unsupported
from headway.base.files import replacing
from headway.base.reading import read_json_object
from headway.tokens.added import AddedTokens
from headway.tokens.folder import CONFIG, added_tokens, token_text
from headway.tokens.sentencepiece import SPACE, read_pieces, unigram_backend
from headway.tokens.tokenizer import Tokenizer

FILES = ("source.spm", "target.spm", "vocab.json", CONFIG)


class MarianTokenizer(Tokenizer):
    """Marian's, as opus-mt's folders have it.

    A target language is asked for by a symbol in front of the text, where the model has several: ``>>fra<< Hello.``

    Attributes:
        source: What cuts a text into pieces.
        ids: Piece or token -> id.
        added: What is taken out of a text whole: the special tokens, and those added later.
        folder: Where it was read from.
    """

    def __init__(
        self, source: Backend, ids: dict[str, int], *, where: Path, words: Mapping[str, str], added: Mapping[str, int]
    ):
        self.source, self.ids, self.folder = source, dict(ids), where.parent
        words = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", **words}
        for name in ("eos_token", "unk_token"):
            if words[name] not in self.ids:
                raise Corrupt(f"{where} has no {words[name]}, which Marian's vocabularies have: fetch it again")
        self.ids.setdefault(words["pad_token"], max(self.ids.values()) + 1)
        self.ids |= added
        self._words = words
        self._pieces = {id: piece for piece, id in self.ids.items()}
        self.eos, self.unk, self.pad = (self.ids[words[f"{name}_token"]] for name in ("eos", "unk", "pad"))
        self._end, self._unknown = self.ids[words["eos_token"]], self.ids[words["unk_token"]]
        self.stop_ids = frozenset({self._end})
        self._special = frozenset({self._end, self._unknown, self.ids[words["pad_token"]]})
        self.added = AddedTokens({self._pieces[id]: id for id in self._special} | dict(added))

    @classmethod
    def from_folder(
        cls, folder: Path | str, config: Mapping[str, Any] | None = None, *, name: str | None = None
    ) -> MarianTokenizer:
        """From source.spm and vocab.json, and what tokenizer_config.json (`config`) says beside them."""
        folder = Path(folder)
        path, source = folder / "vocab.json", folder / "source.spm"
        for file in (path, source):
            if not file.is_file():
                raise Corrupt(f"{file} is missing: fetch the folder again")
        ids = read_json_object(path)
        if not ids or not all(type(id) is int and id >= 0 for id in ids.values()):
            raise Corrupt(f"{path} is no vocabulary (it maps no words to ids): fetch it again")
        config = config or {}
        if config.get("separate_vocabs"):
            raise Unsupported(
                f"{folder / CONFIG} sets separate_vocabs, which Headway does not do: one vocab.json is read"
            )
        added = {str(token): id for id, token in added_tokens(folder, config).items()}
        words = {
            key: token_text(value, folder / CONFIG)
            for key, value in config.items()
            if key.endswith("_token") and isinstance(value, str | Mapping)
        }
        made = cls(unigram_backend(read_pieces(source), source), ids, where=path, words=words, added=added)
        made.name = name or folder.name
        return made

    @property
    def vocab_size(self) -> int:
        return max(self._pieces) + 1

    @property
    def special_ids(self) -> frozenset[int]:
        return self._special

    def encode(self, text: str, *, special: bool = True, recognise: bool = True) -> list[int]:
        found: list[int] = []
        for part, id in self.added.split(text) if recognise else [(text, None)]:
            found += self._encode_plain(part) if id is None else [id]
        return self.checked([*found, self._end] if special else found)

    def _encode_plain(self, text: str) -> list[int]:
        found: list[int] = []
        if text.startswith(">>") and (end := text.find("<<")) >= 0:  # the language asked for
            found, text = [self.ids.get(text[: end + 2], self._unknown)], text[end + 2 :]
        pieces = self.source.encode(text, add_special_tokens=False).tokens
        return found + [self.ids.get(piece, self._unknown) for piece in pieces]

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        text, pieces = "", ""
        for id in ids:
            if id not in self._special:
                pieces += self._pieces.get(id, "")
            elif special:
                text += f"{pieces.replace(SPACE, ' ').lstrip(' ')}{self._pieces[id]} "
                pieces = ""
        return (text + pieces.replace(SPACE, " ").lstrip(" ")).strip()

    def tokens(self, ids: Iterable[int]) -> list[str]:
        return [self._pieces.get(id, "") for id in ids]

    def id_of(self, token: str) -> int | None:
        return self.ids.get(token)

    def settled(self, id: int) -> bool:
        return not self._pieces.get(id, "").endswith(SPACE)  # a space at the end of a text goes

    def named_tokens(self) -> dict[str, str]:
        return dict(self._words)

    def save(self, folder: Path | str) -> None:
        """Copy its files into `folder`."""
        folder = Path(folder)
        if folder.resolve() == self.folder.resolve():
            return
        for name in FILES:
            if (self.folder / name).is_file():
                with replacing(folder / name) as temporary:
                    shutil.copyfile(self.folder / name, temporary)

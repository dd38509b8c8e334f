"""Vocabularies of SentencePiece (``.spm``, ``.model``), as T5 and Marian ship them, without the library.

The file is a protocol buffer: field 1 is a piece (1 its text, 2 its log-probability, 3 its type), 2 how it was trained (3: 1 for
unigram, 2 for BPE), 3 how text is normalised (2: a compiled table, 3: a space in front, 4: superfluous spaces go).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Backend

from headway.base.errors import Corrupt, Unsupported
from headway.base.protobuf import Damaged, fields
from headway.base.reading import read_json_object
from headway.tokens.charsmap import check_charsmap

SPACE = "▁"
UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 2, 3, 4, 5, 6
"""Types of pieces; 1 is an ordinary one."""


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """What the file holds.

    Attributes:
        pieces: Text, log-probability and type of each, in the order of their ids.
        table: The compiled table of the normalisation; empty for none.
        prefix, tidy: Whether a space is put in front, and superfluous ones are taken out.
    """

    pieces: list[tuple[str, float, int]]
    table: bytes
    prefix: bool
    tidy: bool


def read_pieces(path: Path) -> Pieces:
    """The pieces of a unigram vocabulary."""
    pieces, table, prefix, tidy, kind, whole = [], b"", True, True, 1, False
    try:
        for number, value in fields(memoryview(path.read_bytes())):
            if not isinstance(value, memoryview):
                continue
            inside = dict(fields(value))
            if number == 1:
                text, score = inside.get(1, memoryview(b"")), inside.get(2, memoryview(b"\0\0\0\0"))
                if isinstance(text, int) or isinstance(score, int):
                    raise Damaged("a piece without a text")
                (score,) = struct.unpack("<f", score)
                pieces.append((str(text, "utf-8"), score, int(inside.get(3, 1))))  # type: ignore[arg-type]
            elif number == 2:
                kind = inside.get(3, 1)
            elif number == 3:
                whole = True  # it stands behind the pieces
                table = bytes(inside.get(2, b""))  # type: ignore[arg-type]
                prefix, tidy = bool(inside.get(3, 1)), bool(inside.get(4, 1))
        if not whole:
            raise Damaged("it ends early")
    except (Damaged, struct.error, UnicodeDecodeError, TypeError, ValueError) as error:
        raise Corrupt(f"{path} is no whole SentencePiece vocabulary ({error}): fetch it again") from error
    if not pieces or not any(type_ == UNKNOWN for *_, type_ in pieces):
        raise Corrupt(
            f"{path} is no whole SentencePiece vocabulary (no pieces, or none for the unknown): fetch it again"
        )
    if kind != 1:
        raise Unsupported(
            f"{path} is a SentencePiece vocabulary of kind {kind}; Headway reads those of kind 1, unigram"
        )
    return Pieces(pieces=pieces, table=table, prefix=prefix, tidy=tidy)


def unigram_backend(found: Pieces, where: Path) -> Backend:
    """What cuts text as SentencePiece does; ids are the places in the file."""
    unknown = next(n for n, (*_, type_) in enumerate(found.pieces) if type_ == UNKNOWN)
    has_bytes = any(type_ == BYTE for *_, type_ in found.pieces)
    # What must never be found in a text goes under a name that no text can have.
    hidden = (UNUSED, BYTE, UNKNOWN) if not has_bytes else (UNUSED, UNKNOWN)
    vocabulary = [(f"\0{piece}" if type_ in hidden else piece, score) for piece, score, type_ in found.pieces]
    backend = Backend(models.Unigram(vocabulary, unknown, has_bytes))
    steps: list[Any] = []
    if found.table:
        check_charsmap(found.table, where)
        try:
            steps.append(normalizers.Precompiled(found.table))
        except Exception as error:
            raise Corrupt(f"{where} has a damaged table of normalisation: fetch it again") from error
    if found.tidy:
        steps += [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    if steps:
        backend.normalizer = normalizers.Sequence(steps)
    scheme: Any = "always" if found.prefix else "never"
    backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme=scheme)
    backend.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme=scheme)
    backend.add_special_tokens([piece for piece, _, type_ in found.pieces if type_ == CONTROL])
    return backend


class MarianTokenizer:
    """Marian's: the source's SentencePiece cuts the text, and vocab.json, shared by both languages, gives the ids.

    A target language is asked for by a symbol in front of the text, where the model has several: ``>>fra<< Hello.``

    Attributes:
        bos, eos, pad, unk: Ids of the special tokens; Marian has no beginning.
        stop_ids: The id at which a text ends.
    """

    def __init__(self, source: Backend, ids: dict[str, int], *, where: Path):
        self.source, self.ids, self.bos = source, ids, None
        self._pieces = {id: piece for piece, id in ids.items()}
        for word in ("</s>", "<unk>"):
            if word not in ids:
                raise Corrupt(f"{where} has no {word}, which Marian's vocabularies have: fetch it again")
        self.eos, self.unk, self.pad = ids["</s>"], ids["<unk>"], ids.get("<pad>")
        self.stop_ids = frozenset({self.eos})
        self.special_ids = frozenset({self.eos, self.unk} | ({self.pad} if self.pad is not None else set()))

    @classmethod
    def from_folder(cls, folder: Path | str) -> MarianTokenizer:
        """From source.spm and vocab.json."""
        folder = Path(folder)
        path = folder / "vocab.json"
        ids = read_json_object(path)
        if not all(isinstance(id, int) and id >= 0 for id in ids.values()):
            raise Corrupt(f"{path} is no vocabulary (it maps no words to ids): fetch it again")
        source = folder / "source.spm"
        return cls(unigram_backend(read_pieces(source), source), ids, where=path)

    @property
    def vocab_size(self) -> int:
        """Ids run from 0 to below this."""
        return max(self._pieces) + 1

    def encode(self, text: str, *, special: bool = True) -> list[int]:
        """The ids of `text`, and with `special` the one that ends it."""
        found: list[int] = []
        if language := re.match(r"\s*(>>[^<>]+<<)", text):
            found, text = [self.ids.get(language[1], self.unk)], text[language.end() :]
        pieces = self.source.encode(text, add_special_tokens=False).tokens
        found += [self.ids.get(piece, self.unk) for piece in pieces]
        return [*found, self.eos] if special else found

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """The text of `ids`; special tokens are left out unless `special`."""
        kept = (self._pieces.get(id, "") for id in ids if special or id not in self.special_ids)
        return "".join(kept).replace(SPACE, " ").strip()

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """The vocabulary's own spelling of each id."""
        return [self._pieces.get(id, "") for id in ids]

    def id_of(self, token: str) -> int | None:
        """The id of a token in the vocabulary's spelling."""
        return self.ids.get(token)

"""Vocabularies of SentencePiece (``.spm``, ``.model``), as T5 and Marian ship them, without the library.

The file is a protocol buffer: field 1 is a piece (1 its text, 2 its log-probability, 3 its type), 2 how it was trained (3: 1 for
unigram, 2 for BPE; 24: spaces at the end of words; 35: bytes for unknown characters), 3 how text is normalised (2: a compiled
table, 3: a space in front, 4: superfluous spaces go, 5: spaces become ▁).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Backend

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.base.protobuf import Damaged, fields
from headway.tokens.charsmap import precompiled

SPACE = "▁"
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
"""Types of pieces."""

UNIGRAM, MERGES = 1, 2
"""How a vocabulary cuts: by the likeliest pieces, or by merges (BPE)."""


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """What the file holds.

    Attributes:
        pieces: Text, log-probability and type of each, in the order of their ids.
        table: The compiled table of the normalisation; empty for none.
        kind: `UNIGRAM` or `MERGES`.
        prefix, tidy: Whether a space is put in front, and superfluous ones are taken out.
        suffix: Whether spaces stand at the end of words, not at their beginning.
        escapes: Whether spaces are written as ▁.
        bytes_for_unknown: Whether unknown characters are written as bytes.
    """

    pieces: list[tuple[str, float, int]]
    table: bytes
    kind: int
    prefix: bool
    tidy: bool
    suffix: bool
    escapes: bool
    bytes_for_unknown: bool


def read_pieces(path: Path) -> Pieces:
    """What the file at `path` holds; one line where it is not whole."""
    pieces: list[tuple[str, float, int]] = []
    training: dict[int, Any] = {}
    normal: dict[int, Any] | None = None  # it stands behind the pieces
    try:
        for number, value in fields(memoryview(path.read_bytes())):
            if not isinstance(value, memoryview):
                continue
            if number == 1:
                inside = dict(fields(value))
                text, score = inside.get(1, memoryview(b"")), inside.get(2, memoryview(b"\0\0\0\0"))
                if isinstance(text, int) or isinstance(score, int):
                    raise Damaged("a piece without a text")
                (score,) = struct.unpack("<f", score)
                pieces.append((str(text, "utf-8"), score, int(inside.get(3, NORMAL))))  # type: ignore[arg-type]
            elif number == 2:
                training |= dict(fields(value))
            elif number == 3:
                normal = dict(fields(value))
        if normal is None:
            raise Damaged("it ends early")
        found = Pieces(
            pieces=pieces,
            table=bytes(normal.get(2, b"")),
            kind=int(training.get(3, UNIGRAM)),
            prefix=bool(normal.get(3, 1)),
            tidy=bool(normal.get(4, 1)),
            suffix=bool(training.get(24, 0)),
            escapes=bool(normal.get(5, 1)),
            bytes_for_unknown=bool(training.get(35, 0)),
        )
    except (Damaged, struct.error, UnicodeDecodeError, TypeError, ValueError, MemoryError) as error:
        raise Corrupt(f"{path} is no whole SentencePiece vocabulary ({error}): fetch it again") from error
    except OSError as error:
        raise HeadwayError(f"{path} cannot be read ({error.strerror})") from error
    if not any(type_ == UNKNOWN for *_, type_ in pieces):
        raise Corrupt(
            f"{path} is no whole SentencePiece vocabulary (no pieces, or none for the unknown): fetch it again"
        )
    return found


def refuse_pieces(found: Pieces, path: Path, *, merges: bool, prefix: bool) -> None:
    """Refuse, by its name, every setting of the file that the class which reads it would not follow.

    Args:
        found: What the file holds.
        path: Where it lies, for the message.
        merges: Whether the class reads a vocabulary of merges (Llama, Gemma); of unigrams otherwise (T5, XLM-R, Marian).
        prefix: Whether the class puts a space in front of a text.
    """
    kind = MERGES if merges else UNIGRAM
    if found.kind != kind:
        raise Unsupported(
            f"{path} is a SentencePiece vocabulary of kind {found.kind}, and this folder needs kind {kind}"
        )
    for name, value, done in (
        ("add_dummy_prefix", found.prefix, prefix),
        ("remove_extra_whitespaces", found.tidy, not merges),
        ("treat_whitespace_as_suffix", found.suffix, False),
        ("escape_whitespaces", found.escapes, True),
        ("byte_fallback", found.bytes_for_unknown, merges),
        ("a table of normalisation", bool(found.table), bool(found.table) and not merges),
    ):
        if value != done:
            raise Unsupported(
                f"{path} was made with {name} {str(value).lower()}, which Headway does not do here: take a folder with a "
                "tokenizer.json"
            )


def unigram_backend(found: Pieces, where: Path) -> Backend:
    """What cuts text as SentencePiece does; ids are the places in the file. Settings off the usual are refused by name."""
    refuse_pieces(found, where, merges=False, prefix=True)
    unknown = next(n for n, (*_, type_) in enumerate(found.pieces) if type_ == UNKNOWN)
    # What must never be found in a text goes under a name that no text can have.
    hidden = (UNUSED, BYTE, UNKNOWN)
    vocabulary = [(f"\0{piece}" if type_ in hidden else piece, score) for piece, score, type_ in found.pieces]
    backend = Backend(models.Unigram(vocabulary, unknown, False))
    steps: list[Any] = [normalizers.Replace(Regex("^ +| +$"), ""), normalizers.Replace(Regex(" {2,}"), " ")]
    if found.table:
        steps.insert(0, precompiled(found.table, where))
    backend.normalizer = normalizers.Sequence(steps)
    backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    backend.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme="always")
    backend.add_special_tokens([piece for piece, _, type_ in found.pieces if type_ == CONTROL])
    return backend

"""Characters <-> ids: the smallest tokenizer there is. An ordered alphabet, and a character's id is its place in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from headway.base.errors import Corrupt, HeadwayError
from headway.base.files import write_text
from headway.base.reading import read_json
from headway.tokens.tokenizer import Tokenizer


class CharTokenizer(Tokenizer):
    """One id per character (Unicode code point).

    `alphabet` holds the known characters in the order of their ids. A character outside it is an error, unless
    `unknown` is given: one character, the last of the ids, that stands for all the others and that decoding writes.

    >>> CharTokenizer.from_text("hello").encode("hole")
    [1, 3, 2, 0]
    """

    portable = False

    def __init__(self, alphabet: str, *, unknown: str | None = None) -> None:
        if len(set(alphabet)) != len(alphabet):
            twice = next(c for c in alphabet if alphabet.count(c) > 1)
            raise HeadwayError(f"the alphabet holds {twice!r} more than once; give each character one place")
        if unknown is not None and len(unknown) != 1:
            raise HeadwayError(f"unknown={unknown!r} is {len(unknown)} characters long; give exactly one")
        if unknown is not None and unknown in alphabet:
            raise HeadwayError(f"unknown={unknown!r} is in the alphabet; choose a character that the text does not use")
        self.alphabet = alphabet
        self.unknown = unknown
        self._characters = alphabet + (unknown or "")
        self._ids = {c: i for i, c in enumerate(self._characters)}

    @classmethod
    def from_text(cls, text: str, *, unknown: str | None = None) -> CharTokenizer:
        """The alphabet of `text`, in the order of the code points."""
        return cls("".join(sorted(set(text) - {unknown})), unknown=unknown)

    @property
    def vocab_size(self) -> int:
        return len(self._characters)

    def encode(self, text: str, *, special: bool = True, recognise: bool = True) -> list[int]:
        """The ids of the characters of `text`."""
        ids = self._ids
        try:
            return self.checked([ids[c] for c in text])
        except KeyError as error:
            if self.unknown is None:
                raise HeadwayError(
                    f"the character {error.args[0]!r} is not in the alphabet of {len(self.alphabet)} characters; "
                    "take it out of the text, or make the tokenizer with unknown='�'"
                ) from None
        other = len(self.alphabet)
        return self.checked([ids.get(c, other) for c in text])

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """The text of `ids`."""
        return "".join(self.pieces(ids))

    def tokens(self, ids: Iterable[int]) -> list[str]:
        return [self._characters[i] if 0 <= i < len(self._characters) else "" for i in ids]

    def id_of(self, token: str) -> int | None:
        return self._ids.get(token)

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        """The text of `ids`, piece by piece as they come."""
        for i in ids:
            if not 0 <= i < len(self._characters):
                raise HeadwayError(f"id {int(i)} is outside this vocabulary of {self.vocab_size} characters")
            yield self._characters[i]

    def save(self, folder: Path | str) -> None:
        """Write the alphabet as tokenizer.json into a folder, or to a file whose name ends in .json."""
        path = Path(folder)
        if path.suffix != ".json":
            path = path / "tokenizer.json"
        content = {"kind": "characters", "alphabet": self.alphabet, "unknown": self.unknown}
        write_text(path, json.dumps(content, indent=1) + "\n")  # ASCII only, so that a lone surrogate survives as well

    @classmethod
    def load(cls, path: Path | str) -> CharTokenizer:
        """Read what `save` wrote."""
        content = read_json(path, then="make the tokenizer again")
        good = isinstance(content, dict) and isinstance(content.get("alphabet"), str)
        if not good or not isinstance(content.get("unknown"), str | None):
            raise Corrupt(f"{path} is no character tokenizer: it needs 'alphabet' (text) and 'unknown' (text or null)")
        return cls(content["alphabet"], unknown=content["unknown"])

    def __len__(self) -> int:
        return self.vocab_size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CharTokenizer) and (self.alphabet, self.unknown) == (other.alphabet, other.unknown)

    def __hash__(self) -> int:
        return hash((self.alphabet, self.unknown))

    def __repr__(self) -> str:
        return f"CharTokenizer({self.vocab_size} characters{'' if self.unknown is None else ', one of them unknown'})"

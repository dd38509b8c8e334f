"""Tokens that are taken whole out of the text before anything else looks at it: ``<|endoftext|>``, ``[MASK]``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import regex

from headway.base.errors import Corrupt
from headway.tokens.unicode import WHITE

_WORD = regex.compile(r"\w")


@dataclass(frozen=True, kw_only=True)
class Added:
    """An added token.

    Attributes:
        text: As it stands in a text.
        id: Its id.
        takes_left, takes_right: Whether it swallows the white space on that side, as RoBERTa's ``<mask>`` does on its left.
        whole_word: Whether it is found only where no letter, digit or underscore touches it.
        normalized: Whether it is looked for in the normalised text, normalised itself: "Cool-token" where case does not count.
        special: Whether it stands for no text.
    """

    text: str
    id: int
    takes_left: bool = False
    takes_right: bool = False
    whole_word: bool = False
    normalized: bool = False
    special: bool = True


class AddedTokens:
    """Finds added tokens in a text: the leftmost first, and of those that start together the longest.

    Args:
        tokens: The tokens, or token -> id for special ones that are found as they stand.
        normalize: What the tokenizer makes of a text before it is cut, for tokens that are looked for there.
    """

    def __init__(
        self, tokens: Mapping[str, int] | Sequence[Added], normalize: Callable[[str], str] = lambda text: text
    ) -> None:
        if isinstance(tokens, Mapping):
            self.tokens = tuple(Added(text=text, id=id) for text, id in tokens.items())
        else:
            self.tokens = tuple(tokens)
        self.ids = {token.text: token.id for token in self.tokens}
        self.special_ids = frozenset(token.id for token in self.tokens if token.special)
        self.normalize = normalize
        self._raw = _Finder({token.text: token for token in self.tokens if not token.normalized})
        self._normalized = _Finder({normalize(token.text): token for token in self.tokens if token.normalized})

    def split(self, text: str) -> Iterator[tuple[str, int | None]]:
        """The text between the tokens as ``(normalised text, None)`` and the tokens as ``(token, id)``, in order; an empty
        stretch is left out."""
        for part, token in self._raw.split(text):
            if token is not None:
                yield token.text, token.id
                continue
            for piece, inner in self._normalized.split(self.normalize(part)):
                yield (piece, None) if inner is None else (inner.text, inner.id)

    @classmethod
    def from_json(cls, rows: Any) -> AddedTokens:
        """From the ``added_tokens`` of a tokenizer.json."""
        try:
            return cls(
                [
                    Added(
                        text=row["content"],
                        id=int(row["id"]),
                        takes_left=bool(row.get("lstrip")),
                        takes_right=bool(row.get("rstrip")),
                        whole_word=bool(row.get("single_word")),
                        normalized=bool(row.get("normalized")),
                        special=bool(row.get("special", True)),
                    )
                    for row in rows or []
                ]
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Corrupt("'added_tokens' of the tokenizer file is no list of {id, content} objects") from None

    def to_json(self) -> list[dict[str, Any]]:
        """The ``added_tokens`` of a tokenizer.json."""
        return [
            {
                "id": token.id,
                "content": token.text,
                "single_word": token.whole_word,
                "lstrip": token.takes_left,
                "rstrip": token.takes_right,
                "normalized": token.normalized,
                "special": token.special,
            }
            for token in sorted(self.tokens, key=lambda token: token.id)
        ]


class _Finder:
    """Finds some tokens in a text, under the spelling they are looked for by."""

    def __init__(self, tokens: Mapping[str, Added]) -> None:
        self._tokens = tokens
        longest_first = sorted((text for text in tokens if text), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def split(self, text: str) -> Iterator[tuple[str, Added | None]]:
        start = 0
        for found in self._pattern.finditer(text) if self._pattern else ():
            token, first, last = self._tokens[found.group()], found.start(), found.end()
            if token.whole_word and (_ends_word(text[:first]) or _WORD.match(text, last)):
                continue
            if token.takes_left:
                first = max(start, len(text[:first].rstrip(WHITE)))
            while token.takes_right and last < len(text) and text[last] in WHITE:
                last += 1
            if start < first:
                yield text[start:first], None
            yield found.group(), token
            start = last
        if start < len(text):
            yield text[start:], None


def _ends_word(text: str) -> bool:
    return bool(text) and _WORD.match(text[-1]) is not None

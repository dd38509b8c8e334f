"""Tokens that are taken whole out of the text before anything else looks at it: ``<|endoftext|>``, ``[MASK]``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from headway.base.errors import Corrupt, Unsupported
from headway.tokens.unicode import WHITE


class AddedTokens:
    """Finds added tokens in a text: the leftmost first, and of those that start together the longest.

    `ids` maps each token to its id. A token in `takes_left` (`takes_right`) swallows the white space on that side, as
    RoBERTa's ``<mask>`` does.
    """

    def __init__(self, ids: Mapping[str, int], takes_left: Iterable[str] = (), takes_right: Iterable[str] = ()) -> None:
        self.ids = dict(ids)
        self.takes_left, self.takes_right = frozenset(takes_left), frozenset(takes_right)
        longest_first = sorted((t for t in self.ids if t), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def split(self, text: str) -> Iterator[tuple[str, int | None]]:
        """The text between the tokens as ``(text, None)`` and the tokens as ``(token, id)``, in order, nothing empty."""
        start = 0
        for found in self._pattern.finditer(text) if self._pattern else ():
            token, before = found.group(), text[start : found.start()]
            if token in self.takes_left:
                before = before.rstrip(WHITE)
            if before:
                yield before, None
            yield token, self.ids[token]
            start = found.end()
            while token in self.takes_right and start < len(text) and text[start] in WHITE:
                start += 1
        if start < len(text):
            yield text[start:], None

    @classmethod
    def from_json(cls, rows: Any) -> AddedTokens:
        """From the ``added_tokens`` of a tokenizer.json."""
        try:
            for row in rows or []:
                if row.get("single_word"):
                    raise Unsupported(
                        f"the added token {row['content']!r} matches whole words only, which is not done here"
                    )
            return cls(
                {row["content"]: int(row["id"]) for row in rows or []},
                [row["content"] for row in rows or [] if row.get("lstrip")],
                [row["content"] for row in rows or [] if row.get("rstrip")],
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Corrupt("'added_tokens' of the tokenizer file is no list of {id, content} objects") from None

    def to_json(self) -> list[dict[str, Any]]:
        """The ``added_tokens`` of a tokenizer.json."""
        return [
            {
                "id": i,
                "content": token,
                "single_word": False,
                "lstrip": token in self.takes_left,
                "rstrip": token in self.takes_right,
                "normalized": False,
                "special": True,
            }
            for token, i in sorted(self.ids.items(), key=lambda item: item[1])
        ]

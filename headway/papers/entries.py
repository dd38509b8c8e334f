"""What reading a file of records gives, entry by entry, whatever its format."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from headway.base.paper import Paper, plain_title


@dataclass(frozen=True)
class PaperEntry:
    """An entry that could be read: its line, its record (the title may be empty), and a note its owner had made on it."""

    line: int
    record: Paper
    note: str = ""


@dataclass(frozen=True)
class Broken:
    """An entry that could not: its line, and what is wrong."""

    line: int
    why: str


def topics_of(words: Iterable[object]) -> tuple[str, ...]:
    """The topics among keywords: ``headway/layer-norm``."""
    found = (re.fullmatch(r"headway/([\w.+-]+)", str(word).strip()) for word in words)
    return tuple(one[1] for one in found if one)


def year_of(date: object) -> int | None:
    """The year in whatever a program calls a date."""
    found = re.search(r"(?<!\d)(1\d{3}|2\d{3})(?!\d)", str(date))
    return int(found[1]) if found else None


def with_subtitle(title: str, subtitle: str) -> str:
    """``Title: Subtitle``, unless the title has it already."""
    if not title or not subtitle or plain_title(title).endswith(plain_title(subtitle)):
        return title or subtitle
    return f"{title}{'' if title[-1] in '.:?!' else ':'} {subtitle}"

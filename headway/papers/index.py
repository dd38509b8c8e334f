"""The same paper twice: found by DOI, arXiv id or title, however it is written the second time."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from headway.base.errors import HeadwayError
from headway.base.paper import Paper, plain_title


class Index:
    """Records by DOI, by arXiv id, and by title: finds the one that another file means."""

    def __init__(self, records: Iterable[Paper] = ()) -> None:
        self._ids: dict[str, Paper] = {}
        self._titles: dict[tuple[str, str], Paper] = {}
        self._without_arxiv: dict[tuple[str, str], Paper] = {}
        for record in records:
            self.add(record)

    def add(self, record: Paper) -> None:
        for id in (record.doi, record.arxiv):
            if id:
                self._ids.setdefault(id, record)
        if (title := self._title(record))[0]:
            self._titles.setdefault(title, record)
            if not record.arxiv:
                self._without_arxiv.setdefault(title, record)

    @staticmethod
    def _title(record: Paper) -> tuple[str, str]:
        """What a record's title is looked up by: a title of one or two words is one only together with its first author."""
        title = plain_title(record.title)
        first = plain_title(record.authors[0].family) if record.authors and title.count(" ") < 2 else ""
        return title, first

    def find(self, record: Paper) -> Paper | None:
        """The record that is the same paper as `record`: the same DOI, else arXiv id, else title.

        Equal titles are different papers where the arXiv ids differ, or where a title of one or two words
        ("Introduction") comes with other first authors.
        """
        for id in (record.doi, record.arxiv):
            if id and id in self._ids:
                return self._ids[id]
        title = self._title(record)
        if not title[0]:
            return None
        return (self._without_arxiv if record.arxiv else self._titles).get(title)


def unknown(word: str, records: Iterable[Paper]) -> HeadwayError:
    """The error for a paper that nobody knows, with the nearest key or title."""
    names: dict[str, str] = {}
    for record in records:
        names.setdefault(record.key.lower(), record.key)
        names.setdefault(plain_title(record.title), record.key)
    near = get_close_matches(word.lower(), list(names), n=1, cutoff=0.55) or get_close_matches(
        plain_title(word), list(names), n=1, cutoff=0.55
    )
    hint = f" Did you mean '{names[near[0]]}'?" if near else ""
    return HeadwayError(
        f"there is no paper '{word}' here.{hint} `headway papers` lists them; "
        "`headway papers add` files one by its arXiv id or DOI."
    )

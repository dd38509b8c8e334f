"""BibTeX, read as other programs write it and written so that BibTeX takes it. The one module that knows bibtexparser.

A file is cut into entries here, and bibtexparser reads each alone: one broken entry costs that entry and nothing after it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from headway.papers.entries import Broken, Entry, topics_of, year_of
from headway.papers.latex import decode, encode, encode_title
from headway.papers.records import Name, Record, arxiv_id, arxiv_within, read_name

# kind -> (type of entry, the field that names the venue)
_TYPES = {
    "article": ("article", "journal"),
    "conference": ("inproceedings", "booktitle"),
    "preprint": ("misc", "howpublished"),
    "book": ("book", "series"),
    "chapter": ("incollection", "booktitle"),
    "thesis": ("phdthesis", "school"),
    "report": ("techreport", "institution"),
    "other": ("misc", "howpublished"),
}
_KINDS = {
    "article": "article", "inproceedings": "conference", "conference": "conference", "proceedings": "book", "misc": "other",
    "book": "book", "inbook": "chapter", "incollection": "chapter", "phdthesis": "thesis", "mastersthesis": "thesis",
    "thesis": "thesis", "techreport": "report", "report": "report", "unpublished": "preprint", "online": "other",
    "collection": "book", "booklet": "book", "manual": "report", "electronic": "other", "www": "other", "preprint": "preprint",
}  # fmt: skip
_VENUES = ("journal", "journaltitle", "booktitle", "school", "institution", "howpublished", "eventtitle", "series")

# -- writing -------------------------------------------------------------------------------------------------------------


def write(records: Iterable[Record]) -> str:
    """The records as a .bib file; an arXiv paper that appeared nowhere else is an ``@misc`` with ``eprint``."""
    return "\n".join(_entry(record) for record in records)


def _entry(record: Record) -> str:
    kind, venue = _TYPES[record.kind]
    if record.kind == "preprint" and not record.arxiv:
        kind, venue = "unpublished", "howpublished"
    authors = [_author(name) for name in record.authors] + ["others"] * record.others
    fields = {
        "title": encode_title(record.title),
        "author": " and ".join(authors),
        "year": str(record.year or ""),
        venue: encode(record.venue or ""),
        "note": "Preprint" if kind == "unpublished" else "",
        "volume": encode(record.volume or ""),
        "number": encode(record.issue or ""),
        "pages": encode(re.sub(r"(?<=\w)-(?=\w)", "–", record.pages or "")),
        "publisher": encode(record.publisher or ""),
        "eprint": record.arxiv or "",
        "archivePrefix": "arXiv" if record.arxiv else "",
        "doi": record.doi or "",
        "url": record.url or (record.link or "" if record.kind in ("preprint", "other") else ""),
        "keywords": ", ".join(f"headway/{topic}" for topic in record.topics),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{record.key},", *lines, "}", ""])


def _author(name: Name) -> str:
    if not name.given:
        plain = re.fullmatch(r"[^\W\d_]+", name.family) and name.family[0].isupper()
        return encode(name.family) if plain else f"{{{encode(name.family)}}}"
    family, given, suffix = (_guarded(part) for part in (name.family, name.given, name.suffix))
    return f"{family}, {suffix}, {given}" if suffix else f"{family}, {given}"


def _guarded(part: str) -> str:
    """A part of a name, in braces where BibTeX would find two names or a comma in it."""
    special = "," in part or any(word.lower() == "and" for word in part.split())
    return f"{{{encode(part)}}}" if special else encode(part)


# -- reading -------------------------------------------------------------------------------------------------------------

_START = re.compile(r"@\s*([A-Za-z]+)\s*([{(])")
_NEXT = re.compile(r"^[ \t]*@\s*[A-Za-z]+\s*[{(]", re.MULTILINE)
_HEAD = re.compile(r"@\s*([A-Za-z]+)\s*([{(])\s*([^,={}\"]*?)\s*,")


def read(text: str) -> Iterator[Entry | Broken]:
    """Every entry of a .bib file, in order; what cannot be read is named by its line."""
    parser = _Parser()
    found: list[Broken | _Fields] = []
    for line, kind, chunk, complaint in _cut(text):
        if kind == "string":
            parser.define(chunk)
        elif complaint:
            found.append(Broken(line, complaint))
        elif kind not in ("comment", "preamble"):
            found.append(_read(parser, line, kind, chunk))
    parents = {one.key.lower(): one for one in found if isinstance(one, _Fields) and one.key}
    for one in found:
        yield one if isinstance(one, Broken) else _entry_of(one, parents)


@dataclass(frozen=True)
class _Fields:
    """An entry as it is written: its line, type and key, and its fields by name in small letters."""

    line: int
    kind: str
    key: str
    fields: dict[str, str]


def _cut(text: str) -> Iterator[tuple[int, str, str, str]]:
    """(line, type, text, complaint) of each entry; an entry that never closes ends where the next one starts."""
    at, line, counted = 0, 1, 0
    while found := _START.search(text, at):
        start = found.start()
        line += text.count("\n", counted, start)
        counted = start
        following = _NEXT.search(text, found.end())
        end = _closing(text, found.end(), following.start() if following else len(text), found[2])
        if end is None:
            at = following.start() if following else len(text)
            yield line, found[1].lower(), "", "its braces or quotes do not close"
        else:
            at = end
            yield line, found[1].lower(), text[start:end], ""


def _closing(text: str, at: int, limit: int, opened: str) -> int | None:
    """Where the entry that opened before `at` ends, or None where it does not before `limit`."""
    depth = 0
    for found in re.compile(r"\\.|[{}()]", re.DOTALL).finditer(text, at, limit):
        c = found[0]
        if c == "{" or c == "\\{":
            depth += 1
        elif c == "}" and depth == 0 and opened == "{":
            return found.end()
        elif c == "}" or c == "\\}":
            depth -= 1
        elif c == ")" and depth == 0 and opened == "(":
            return found.end()
        if depth < 0:
            return None
    return None


class _Parser:
    """bibtexparser for one file: the strings it defines stay known from entry to entry."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it was written for an older pyparsing, which it tells nobody but us
            from bibtexparser.bparser import BibTexParser

            self._parser = BibTexParser(common_strings=True, ignore_nonstandard_types=False, interpolate_strings=True)
        self._parser.expect_multiple_parse = True

    def define(self, chunk: str) -> None:
        """Take in an ``@string``; one that cannot be read stands for its own name, like one that is missing."""
        self.parse(chunk)

    def parse(self, chunk: str) -> dict[str, str] | None:
        """The fields of one entry as they are written, or None."""
        from bibtexparser.bibdatabase import UndefinedString

        database = self._parser.bib_database
        for _ in range(20):
            database.entries.clear()
            database.comments.clear()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self._parser.parse(chunk, partial=True)
            except UndefinedString as error:
                name = str(error.args[0]) if error.args else ""
                if name in database.strings:
                    return None
                database.strings[name] = name
                continue
            except Exception:  # whatever a foreign file does to a foreign parser costs this entry only
                return None
            return dict(database.entries[-1]) if database.entries else None
        return None


def _read(parser: _Parser, line: int, kind: str, chunk: str) -> _Fields | Broken:
    head = _HEAD.match(chunk)
    if head is None:
        if re.fullmatch(r"@\s*[A-Za-z]+\s*[{(]\s*[^,={}\"]*[})]", chunk):
            return Broken(line, "an entry without a field")
        return Broken(line, "no key and comma at its beginning")
    fields = parser.parse(f"@{kind}{head[2]}k,{chunk[head.end() :]}")  # keys may hold what bibtexparser does not take
    if fields is None:
        return Broken(
            line, f"its fields cannot be read ({head[3] or 'no key'}): a comma, a brace or a quote is missing"
        )
    return _Fields(
        line, kind, head[3], {name.lower(): value for name, value in fields.items() if isinstance(value, str)}
    )


def _entry_of(one: _Fields, parents: dict[str, _Fields]) -> Entry:
    """The entry in the fields; what it lacks comes from the one that its ``crossref`` names, the title as the book's."""
    kind, fields = one.kind, one.fields
    parent = parents.get(fields.get("crossref", "").strip().lower())
    if parent is not None and parent is not one:
        book = {"booktitle": parent.fields["title"]} if parent.fields.get("title") else {}
        mine = (
            "author",
            "editor",
            "title",
            "doi",
            "url",
            "eprint",
            "pages",
            "crossref",
            "annote",
            "annotation",
            "note",
        )
        fields = book | {name: value for name, value in parent.fields.items() if name not in mine} | fields
    text = {name: decode(value).strip() for name, value in fields.items()}
    raw = lambda name: re.sub(r"\\([_%&#~{}])", r"\1", fields.get(name, "")).strip().strip("{}")  # noqa: E731
    venue_field = next(
        (name for name in _VENUES if text.get(name) and not text[name].startswith(("http", "\\url"))), None
    )
    if venue_field == "series" and kind not in ("book", "proceedings"):
        venue_field = None
    eprint = (
        raw("eprint")
        if raw("archiveprefix").lower() in ("arxiv", "") and raw("eprinttype").lower() in ("arxiv", "")
        else ""
    )
    address = raw("url") or (re.search(r"https?://[^\s{}]+", raw("howpublished")) or [""])[0]
    arxiv = arxiv_id(eprint) or arxiv_id(raw("doi")) or arxiv_id(address)
    arxiv = arxiv or next(
        (id for name in ("note", "number", "eprint") if (id := arxiv_within(text.get(name, "")))), None
    )
    record = Record(
        key=one.key,
        title=text.get("title", ""),
        authors=tuple(_names(fields.get("author") or fields.get("editor", ""))),
        year=year_of(text.get("year") or text.get("date", "")),
        kind=_KINDS.get(kind, "other"),
        venue=text[venue_field] if venue_field else None,
        arxiv=arxiv,
        doi=raw("doi"),
        url=address,
        volume=text.get("volume"),
        issue=text.get("number") or text.get("issue"),
        pages=text.get("pages"),
        publisher=text.get("publisher"),
        topics=topics_of(re.split(r"[,;]", text.get("keywords", ""))),
    )
    return Entry(one.line, record, text.get("annotation") or text.get("annote") or "")


def _names(value: str) -> Iterator[Name]:
    for part in _split(re.sub(r"\s+", " ", value), re.compile(r" and ", re.IGNORECASE)):
        part = part.strip()
        if not part:
            continue
        pieces = [piece.strip() for piece in _split(part, re.compile(","))]
        if len(pieces) == 1:
            whole = part.startswith("{") and _group_end(part, 0) == len(part)
            yield Name(_clean(part)) if whole else read_name(_clean(part))
        elif len(pieces) == 2:
            yield Name(_clean(pieces[0]), _clean(pieces[1]))
        else:
            yield Name(_clean(pieces[0]), _clean(", ".join(pieces[2:])), _clean(pieces[1]))


def _clean(text: str) -> str:
    return re.sub(r"[{}]", "", decode(text)).strip()


def _split(text: str, at: re.Pattern[str]) -> list[str]:
    """`text` cut at `at`, wherever no brace is open."""
    parts, start, n = [], 0, 0
    while n < len(text):
        if text[n] == "\\":
            n += 2
        elif text[n] == "{":
            n = _group_end(text, n)
        elif found := at.match(text, n):
            parts.append(text[start:n])
            start = n = found.end()
            if text[n - 1] == " ":  # "and and": the blank after one is the blank before the other
                n -= 1
        else:
            n += 1
    return [*parts, text[start:]]


def _group_end(text: str, at: int) -> int:
    """Just behind the brace that closes the one at `at`."""
    depth = 0
    for n in range(at, len(text)):
        depth += (text[n] == "{") - (text[n] == "}")
        if depth == 0:
            return n + 1
    return len(text)

"""RIS, as Zotero, Mendeley and publishers write it, by rispy."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from headway.base.paper import SUFFIX, Name, Paper, arxiv_id, arxiv_within, doi, plain, read_name
from headway.papers.entries import Broken, PaperEntry, topics_of, year_of

_TYPES = {
    "article": "JOUR", "conference": "CPAPER", "preprint": "UNPB", "book": "BOOK", "chapter": "CHAP", "thesis": "THES",
    "report": "RPRT", "other": "GEN",
}  # fmt: skip
_KINDS = {name: kind for kind, name in _TYPES.items()} | {
    "CONF": "conference", "EJOUR": "article", "MGZN": "article", "NEWS": "article", "EBOOK": "book", "EDBOOK": "book",
    "ECHAP": "chapter", "INPR": "preprint", "JFULL": "article",
}  # fmt: skip

# -- writing -------------------------------------------------------------------------------------------------------------


def write(records: Iterable[Paper]) -> str:
    """The records as a .ris file."""
    import rispy
    from rispy.writer import RisWriter

    class Writer(RisWriter):
        def set_header(self, count: int) -> str:
            return ""

    rows = [_row(record) for record in records]
    return rispy.dumps(rows, implementation=Writer, delimiter_tags_mapping={}) if rows else ""


def _row(record: Paper) -> dict[str, Any]:
    first, _, last = (record.pages or "").partition("-")
    split = bool(re.fullmatch(r"\w+", first) and re.fullmatch(r"\w+", last))
    row: dict[str, Any] = {
        "type_of_reference": _TYPES[record.kind],
        "id": record.cite,
        "title": record.title,
        "authors": [_author(name) for name in record.authors] + ["others"] * record.others,
        "year": str(record.year or ""),
        "secondary_title": record.venue or "",
        "volume": record.volume or "",
        "number": record.issue or "",
        "start_page": first if split else record.pages or "",
        "end_page": last if split else "",
        "publisher": record.publisher or "",
        "doi": record.doi or "",
        "accession_number": f"arXiv:{record.arxiv}" if record.arxiv else "",
        "urls": [record.url or record.link or ""],
        "keywords": [f"headway/{topic}" for topic in record.topics],
    }
    return {name: value for name, value in row.items() if value not in ("", [], [""])}


def _author(name: Name) -> str:
    """``King, Martin Luther, Jr.``; in braces where a part has a comma of its own, for which RIS has no sign.

    A collective that could be taken for a person ends in a comma, as RIS has it: ``Barnes Noble,``.
    """
    parts = [f"{{{part}}}" if "," in part else part for part in (name.family, name.given, name.suffix)]
    if not name.given:
        return parts[0] if _name(parts[0]) == name else f"{parts[0]},"
    return ", ".join(part for part in parts if part)


# -- reading -------------------------------------------------------------------------------------------------------------

_TAG = re.compile(r"([A-Z][A-Z0-9])  ?-(?: |$)")


def read(text: str) -> Iterator[PaperEntry | Broken]:
    """Every entry of a .ris file, in order; what cannot be read is named by its line."""
    start, lines, open_ = 0, [], False
    for n, line in enumerate([*text.split("\n"), "TY  - "], 1):
        line = line.rstrip("\r").lstrip(" \t\x0c") if _TAG.match(line.lstrip()) else line.rstrip("\r")
        found = _TAG.match(line)
        if found and found[1] == "TY":
            if open_:  # the end of the one before is missing; what it has is taken all the same
                yield _read(start, lines)
            start, lines, open_ = n, [line], True
        elif found and found[1] == "ER":
            if open_:
                yield _read(start, lines)
            open_ = False
        elif open_:
            lines.append(line)
        elif found:
            yield Broken(n, f"{found[1]} before any TY")
            open_, start, lines = True, n, ["TY  - GEN"]
            lines.append(line)


def _read(start: int, lines: list[str]) -> PaperEntry | Broken:
    import rispy

    book = re.match(r"TY  ?-\s*(?:BOOK|UNPB|EBOOK|EDBOOK)\b", lines[0]) is not None
    known = {"BT": "TI" if book else "T2", "ED": "A2", "CT": "TI", "J1": "JO"}  # which rispy does not read
    body = [
        re.sub(r"^([A-Z][A-Z0-9])  ?-\s*", lambda tag: f"{known.get(tag[1], tag[1])}  - ", line)
        for line in lines
        if line.strip()
    ]
    if len(body) < 2:
        return Broken(start, "an entry without a field")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = rispy.loads("\n".join([*body, "ER  - "]), delimiter_tags_mapping={}, skip_unknown_tags=True)
    except Exception:  # whatever a foreign file does to a foreign parser costs this entry only
        rows = []
    if not rows:
        return Broken(start, "its lines cannot be read")
    row = rows[0]
    get = lambda *names: next((str(row[name]).strip() for name in names if row.get(name)), "")  # noqa: E731
    urls = [str(url).strip() for url in row.get("urls", [])]
    numbers = [
        get("accession_number"),
        get("doi"),
        *urls,
        get("note"),
        get("custom7"),
        get("number"),
        get("journal_name"),
        *row.get("notes", []),
    ]
    arxiv = next((id for text in numbers if (id := arxiv_id(text) or arxiv_within(text))), None)
    first, last = get("start_page"), get("end_page")
    record = Paper(
        key=get("id", "label"),
        citekey=get("id", "label"),
        title=get("title", "primary_title"),
        authors=tuple(_name(text) for text in _authors(row)),
        year=year_of(get("year", "publication_year", "date")),
        kind=_KINDS.get(get("type_of_reference").upper(), "other"),
        venue=get("secondary_title", "journal_name", "alternate_title3", "alternate_title2", "custom3"),
        arxiv=arxiv,
        doi=get("doi")
        or next((text for text in (get("type_of_work"), get("note"), *row.get("notes", [])) if doi(text)), None),
        url=next((url for url in urls if not arxiv_id(url) and not doi(url)), urls[0] if urls else ""),
        volume=get("volume"),
        issue=get("number"),
        pages=f"{first}-{last}" if first and last else first,
        publisher=get("publisher"),
        topics=topics_of(row.get("keywords", [])),
    )
    return PaperEntry(start, record)


def _authors(row: dict[str, Any]) -> list[str]:
    """Those whose work it is; the editors of a book that has no others."""
    first = row.get("first_authors", [])
    mine = [*first, *(name for name in row.get("authors", []) if name not in first)]
    return mine or row.get("editors") or row.get("secondary_authors") or []


def _name(text: str) -> Name:
    """``Barata, Catarina``, ``Catarina Barata`` or PubMed's ``Barata C``; a collective where a comma ends it."""
    family, *rest = [part.strip() for part in re.split(r",(?![^{}]*\})", plain(text))]
    if rest and any(rest):
        return Name(family, rest[0], ", ".join(rest[1:]))
    if rest or family.startswith("{"):
        return Name(family)
    words = family.split()
    if (
        len(words) > 1
        and re.fullmatch(r"[A-Z]{1,3}", words[-1])
        and not SUFFIX.fullmatch(words[-1])
        and not family.isupper()
    ):
        return Name(" ".join(words[:-1]), words[-1])
    return read_name(family)

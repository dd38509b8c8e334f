"""CSL JSON, the format of pandoc, Zotero and DOI registries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from headway.base.paper import Name, Paper, arxiv_id, arxiv_within
from headway.papers.entries import Broken, PaperEntry, topics_of, with_subtitle, year_of
from headway.papers.latex import protected_words

_TYPES = {
    "article": "article-journal", "conference": "paper-conference", "preprint": "article", "book": "book", "chapter": "chapter",
    "thesis": "thesis", "report": "report", "other": "document",
}  # fmt: skip
_KINDS = {name: kind for kind, name in _TYPES.items()} | {
    "article-magazine": "article", "article-newspaper": "article", "journal-article": "article", "posted-content": "preprint",
    "proceedings-article": "conference", "book-chapter": "chapter", "dissertation": "thesis", "monograph": "book",
    "manuscript": "preprint",
}  # fmt: skip


def write(records: Iterable[Paper]) -> str:
    """The records as a CSL JSON file."""
    return json.dumps([_row(record) for record in records], ensure_ascii=False, indent=2) + "\n"


def _row(record: Paper) -> dict[str, Any]:
    arxiv = f"arXiv:{record.arxiv}" if record.arxiv else None
    preprint = record.kind == "preprint"
    row = {
        "id": record.cite,
        "citation-key": record.cite,
        "type": _TYPES[record.kind],
        "title": record.title,
        "author": [_author(name) for name in record.authors] + [{"literal": "others"}] * record.others,
        "issued": {"date-parts": [[record.year]]} if record.year else None,
        "container-title": record.venue,
        "volume": record.volume,
        "issue": record.issue,
        "page": record.pages,
        "publisher": record.publisher or ("arXiv" if preprint and arxiv else None),
        "number": arxiv if preprint else None,
        "note": arxiv if not preprint else None,
        "DOI": record.doi,
        "URL": record.url or (record.link if not record.doi else None),
        "keyword": ", ".join(f"headway/{topic}" for topic in record.topics),
    }
    return {name: value for name, value in row.items() if value}


def _author(name: Name) -> dict[str, str]:
    if not name.given:
        return {"literal": name.family}
    return {"family": name.family, "given": name.given} | ({"suffix": name.suffix} if name.suffix else {})


def read(text: str) -> Iterator[PaperEntry | Broken]:
    """Every entry of a CSL JSON file, in order; what cannot be read is named by its line."""
    decoder = json.JSONDecoder()
    blank = re.compile(r"[\s,]*")
    body = re.search(r"\S", text)
    at = body.start() if body else 0
    if text[at : at + 1] == "{":  # one entry, or a wrapper that holds them
        try:
            whole = json.loads(text)
        except (ValueError, RecursionError):
            whole = None
        if isinstance(whole, dict) and isinstance(items := whole.get("items", whole.get("references")), list):
            for item in items:
                yield _read(1, item)
            return
    elif text[at : at + 1] == "[":
        at += 1
    counted, line = 0, 1
    while at < len(text):
        at = blank.match(text, at).end()  # type: ignore[union-attr]
        if text[at : at + 1] in ("]", ""):
            return
        line += text.count("\n", counted, at)
        counted = at
        try:
            item, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            where = text.count("\n", 0, error.pos) + 1 if isinstance(error, json.JSONDecodeError) else line
            what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            yield Broken(line, f"no JSON ({what}, line {where})")
            following = re.compile(r"^ {0,4}\t?\{", re.MULTILINE).search(text, at + 1)
            if following is None:
                return
            at = following.end() - 1
            continue
        yield _read(line, item)


def from_csl(item: dict[str, Any]) -> Paper:
    """The record in one CSL item; a missing title is an empty one. A registry's lists are taken by their first."""
    get = lambda name: _text(item.get(name))  # noqa: E731
    numbers = [get(name) for name in ("number", "DOI", "URL", "note", "archive_location", "archive", "extra")]
    arxiv = next((id for text in numbers if (id := arxiv_id(text) or arxiv_within(text))), None)
    dates = ("issued", "published", "published-print", "published-online", "posted", "created")
    keywords = item.get("keyword") or item.get("keywords") or ""
    authors = item.get("author") or item.get("editor") or []
    key = get("citation-key") or get("citation-label") or get("id")
    return Paper(
        key=key,
        citekey=key,
        title=with_subtitle(get("title"), get("subtitle")),
        protected=_protected(get("title")),
        authors=tuple(_name(author) for author in authors if author) if isinstance(authors, list) else (),
        year=next((year for name in dates if (year := _year(item.get(name)))), None),
        kind=_KINDS.get(get("type"), "other"),
        venue=get("container-title") or get("event-title"),
        arxiv=arxiv,
        doi=get("DOI"),
        url=get("URL"),
        volume=get("volume"),
        issue=get("issue"),
        pages=get("page"),
        publisher=get("publisher"),
        topics=topics_of(keywords if isinstance(keywords, list) else re.split(r"[,;]", str(keywords))),
    )


def _read(line: int, item: Any) -> PaperEntry | Broken:
    if not isinstance(item, dict):
        return Broken(line, "an entry that is no object")
    try:
        return PaperEntry(line, from_csl(item), _text(item.get("annote")))
    except (TypeError, ValueError, AttributeError, KeyError, IndexError):
        return Broken(line, "its fields do not have the form of CSL")


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _protected(title: str) -> tuple[str, ...]:
    """The words of a title that CSL's ``nocase`` keeps as they are."""
    found = re.findall(r"<span\s+class=[\"']nocase[\"']\s*>(.*?)</span>", title)
    return protected_words(re.sub(r"<span\s+class=[\"']nocase[\"']\s*>(.*?)</span>", r"{\1}", title)) if found else ()


def _name(author: Any) -> Name:
    if isinstance(author, str):
        return Name(author)
    if literal := _text(author.get("literal")) or _text(author.get("name")):
        return Name(literal)
    particles = [_text(author.get(name)) for name in ("dropping-particle", "non-dropping-particle")]
    family = " ".join(part for part in (*particles, _text(author.get("family"))) if part)
    return Name(family, _text(author.get("given")), _text(author.get("suffix")))


def _year(issued: Any) -> int | None:
    if isinstance(issued, dict):
        parts = issued.get("date-parts")
        if isinstance(parts, list) and parts and isinstance(parts[0], list) and parts[0]:
            return year_of(parts[0][0])
        return year_of(issued.get("literal") or issued.get("raw") or "")
    return year_of(issued)

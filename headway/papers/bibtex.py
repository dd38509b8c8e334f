"""BibTeX and BibLaTeX, read as other programs write them, and written so that BibTeX takes it.

    a file  ->  where each brace closes  ->  entries, field by field  ->  LaTeX as text, names, identifiers  ->  Paper

The file is gone through once, from left to right, in time that grows with its length alone. One broken entry costs that
entry and nothing after it: reading goes on with the next one that begins a line.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from headway.base.paper import ET_AL, SUFFIX, Name, Paper, arxiv_id, arxiv_within, doi, name_of_words, plain, read_name
from headway.papers.entries import Broken, PaperEntry, topics_of, with_subtitle, year_of
from headway.papers.latex import decode, decode_address, encode, encode_title, letters_joined, protected_words

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


def write(records: Iterable[Paper]) -> str:
    """The records as a .bib file; an arXiv paper that appeared nowhere else is an ``@misc`` with ``eprint``."""
    return "\n".join(_entry(record) for record in records)


def _entry(record: Paper) -> str:
    kind, venue = _TYPES[record.kind]
    if record.kind == "preprint" and not record.arxiv:
        kind, venue = "unpublished", "howpublished"
    authors = [_author(name) for name in record.authors] + ["others"] * record.others
    fields = {
        "title": encode_title(record.title, record.protected),
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
    return "\n".join([f"@{kind}{{{record.cite},", *lines, "}", ""])


def _author(name: Name) -> str:
    if not name.given:
        plain = re.fullmatch(r"[^\W\d_]+", name.family) and name.family[0].isupper()
        return encode(name.family) if plain else f"{{{encode(name.family)}}}"
    family, given, suffix = (_guarded(part) for part in (name.family, name.given, name.suffix))
    return f"{family}, {suffix}, {given}" if suffix or SUFFIX.fullmatch(name.given) else f"{family}, {given}"


def _guarded(part: str) -> str:
    """A part of a name, in braces where a reader would find two names, a comma or the end of a list in it."""
    special = re.search("[,;]", part) or {"and", "&"} & set(part.lower().split()) or ET_AL.search(f"- {part}")
    return f"{{{encode(part)}}}" if special else encode(part)


# -- reading -------------------------------------------------------------------------------------------------------------

_LINE_START = re.compile(r"^[ \t]*@\s*(?P<kind>[^\s{}()\"#%,='@\\]+)\s*(?P<opened>[{(])", re.MULTILINE)
_START = re.compile(
    _LINE_START.pattern + r"|(?<=[\s})])@(?P<kind_within>[A-Za-z]+)\s*(?P<opened_within>[{(])", re.MULTILINE
)
_KEY = re.compile(r"\s*([^,={}\"]*?)\s*,")
_NAME = re.compile(r"([^\s=,{}()\"#%]+)\s*=\s*")
_BARE = re.compile(r"[^\s,#{}()\"=]+")
_QUOTE = re.compile(r"\\\"(?!\s*[,)}#])|[{}\"]")
_BETWEEN = re.compile(r"[\s,]*")


def read(text: str) -> Iterator[PaperEntry | Broken]:
    """Every entry of a .bib file, in order; what cannot be read is named by its line."""
    found = list(_Scan(text).entries())
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


class _Fault(Exception):
    """What is wrong with an entry, and where reading it stopped."""

    def __init__(self, at: int, why: str) -> None:
        super().__init__(why)
        self.at = at


class _Scan:
    """One pass over a file. As BibTeX has it, every brace counts, a backslash before it or not."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.close: dict[int, int] = {}
        open_: list[int] = []
        for found in re.finditer("[{}]", text):
            if found[0] == "{":
                open_.append(found.start())
            elif open_:
                self.close[open_.pop()] = found.start()
        self.starts = [found.start() for found in _LINE_START.finditer(text)]
        self.strings: dict[str, str] = {}

    def entries(self) -> Iterator[_Fields | Broken]:
        text, at, line, counted, line_at = self.text, 0, 1, 0, 0
        while found := _START.search(text, at):
            kind = (found["kind"] or found["kind_within"]).lower()
            opened = found.end() - 1
            start = text.index("@", found.start())
            line += text.count("\n", counted, start)
            line_at = text.rfind("\n", counted, start) + 1 or line_at
            counted = start
            if found["kind_within"] and text.startswith("%", line_at):
                at = found.end()  # an entry that somebody has commented out
                continue
            if not re.fullmatch("[a-z]+", kind):
                at = self.close.get(opened, opened) + 1
                if text[opened] == "{" and _KEY.match(text, opened + 1):
                    yield Broken(line, f"'@{kind}' is no type of entry (letters only)")
                else:
                    at = opened + 1  # a line of text that begins with the name of somebody
                continue
            try:
                one, at = self._entry(kind, opened, line)
            except _Fault as fault:
                at = self._after(found.start(), fault.at, self.close.get(opened) if text[opened] == "{" else None)
                yield Broken(line, str(fault))
            else:
                if one is not None:
                    yield one

    def _after(self, start: int, fault: int, end: int | None) -> int:
        """Where to go on after an entry that cannot be read beyond `fault`: with the next that begins a line, or at its end."""
        n = bisect.bisect_right(self.starts, max(start, fault - 1) if end is not None else start)
        following = self.starts[n] if n < len(self.starts) else None
        if end is not None and (following is None or following > end):
            return end + 1
        return following if following is not None else max(fault, start + 1)

    def _entry(self, kind: str, opened: int, line: int) -> tuple[_Fields | None, int]:
        """The entry whose bracket is at `opened`, None for a string, a comment or a preamble, and where the file goes on."""
        text, braced = self.text, self.text[opened] == "{"
        end = self.close.get(opened) if braced else len(text)
        if kind in ("comment", "preamble"):
            if braced:
                return None, (opened if end is None else end) + 1
            return None, self._value(opened + 1, len(text))[1] if kind == "preamble" else opened + 1
        if end is None:
            raise _Fault(opened, "its braces or quotes do not close")
        if kind == "string":
            fields, at = self._fields(opened + 1, end, "string")
            self.strings |= fields
            return None, at
        head = _KEY.match(text, opened + 1, end)
        if head is None:
            if "=" not in text[opened : end if braced else min(end, opened + 200)]:
                raise _Fault(opened + 1, "an entry without a field")
            raise _Fault(opened + 1, "no key and comma at its beginning")
        fields, at = self._fields(head.end(), end, head[1] or "no key", ")" if not braced else "}")
        if not fields:
            raise _Fault(at, "an entry without a field")
        return _Fields(line, kind, head[1], fields), at

    def _fields(self, at: int, end: int, whose: str, closing: str = "") -> tuple[dict[str, str], int]:
        """The fields from `at` on, of which the first of a name counts, and where the entry that closes at `end` is over."""
        text = self.text
        closing = closing or ("}" if end < len(text) else ")")
        fields: dict[str, str] = {}
        missing = f"its fields cannot be read ({whose}): a comma, a brace or a quote is missing"
        while True:
            at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
            if at >= len(text):
                raise _Fault(at, "its braces or quotes do not close")
            if text[at] == closing:
                return fields, at + 1
            name = _NAME.match(text, at, end)
            if name is None:
                raise _Fault(at, missing)
            value, at = self._value(name.end(), end)
            fields.setdefault(name[1].lower(), value)
            at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
            if text[at : at + 1] not in (",", closing):
                raise _Fault(at, missing if at < len(text) else "its braces or quotes do not close")

    def _value(self, at: int, end: int) -> tuple[str, int]:
        """A value, its pieces joined (``acl # " 2020"``), and where it ends. A name that no ``@string`` defines is its value."""
        text = self.text
        parts: list[str] = []
        while True:
            at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
            c = text[at : at + 1]
            if c == "{":
                stop = self.close.get(at)
                if stop is None or stop >= end:
                    raise _Fault(at + 1, "its braces or quotes do not close")
                parts.append(text[at + 1 : stop])
                at = stop + 1
            elif c == '"':
                stop = self._quoted(at + 1, end)
                parts.append(text[at + 1 : stop])
                at = stop + 1
            elif bare := _BARE.match(text, at, end):
                parts.append(self.strings.get(bare[0].lower(), bare[0]))
                at = bare.end()
            at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
            if text[at : at + 1] != "#":
                return "".join(parts), at
            at += 1

    def _quoted(self, at: int, end: int) -> int:
        """Where the quoted text ends that begins at `at`: at the next quote outside braces."""
        while found := _QUOTE.search(self.text, at, end):
            if found[0] == '"':
                return found.start()
            if found[0] == "{":
                stop = self.close.get(found.start())
                if stop is None or stop >= end:
                    break
                at = stop + 1
            elif found[0] == "}":
                break
            else:
                at = found.end()  # an accent, as in "Schr\"odinger", which BibTeX itself would take for the end
        raise _Fault(at, "its braces or quotes do not close")


_BLANKS = re.compile(r"\s*")


def _entry_of(one: _Fields, parents: dict[str, _Fields]) -> PaperEntry:
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
    fields = {name: value for name, value in fields.items() if value.strip()}
    text = lambda name: decode(fields[name]).strip() if name in fields else ""  # noqa: E731
    raw = lambda name: decode_address(fields.get(name, ""))  # noqa: E731
    venue = next((text(name) for name in _VENUES if name in fields and _is_venue(name, fields[name], kind)), None)
    title = with_subtitle(text("title"), text("subtitle"))
    address = raw("url") or (re.search(r"https?://[^\s{}]+", raw("howpublished")) or [""])[0]
    record = Paper(
        key=one.key,
        citekey=one.key,
        title=title,
        protected=protected_words(fields.get("title", "")),
        authors=tuple(_names(fields.get("author") or fields.get("editor", ""))),
        year=year_of(text("year")) or year_of(text("date")),
        kind=_KINDS.get(kind, "other"),
        venue=venue,
        arxiv=_arxiv(fields, address),
        doi=raw("doi")
        or next((raw(name) for name in ("ee", "eprint", "howpublished", "note") if doi(raw(name))), None),
        url=address,
        volume=text("volume"),
        issue=text("number") or text("issue"),
        pages=text("pages"),
        publisher=text("publisher"),
        topics=topics_of(re.split(r"[,;]", text("keywords"))),
    )
    return PaperEntry(one.line, record, text("annotation") or text("annote"))


def _is_venue(name: str, value: str, kind: str) -> bool:
    """Whether a field that may name the venue does so here: an address names none, nor does a series of an article."""
    if re.match(r"\s*\{*\s*(?:https?:|\\url|\\href)", value):
        return False
    return name != "series" or kind in ("book", "proceedings")


def _arxiv(fields: Mapping[str, str], address: str) -> str | None:
    """The arXiv id, from any of the places where programs put it."""
    raw = lambda name: decode_address(fields.get(name, ""))  # noqa: E731
    archive = raw("archiveprefix").lower() or raw("eprinttype").lower()
    eprint = raw("eprint") if archive in ("arxiv", "") else ""
    within = raw("primaryclass") or raw("eprintclass")
    if archive == "arxiv" and re.fullmatch(r"\d{7}(?:v\d+)?", eprint):  # an old one without its archive
        eprint = f"{within.partition('.')[0]}/{eprint}"
    number = next((id for name in ("arxivid", "arxiv") if (id := arxiv_id(raw(name)))), None)
    number = number or arxiv_id(eprint) or arxiv_id(raw("doi")) or arxiv_id(address)
    mentions = ("eprint", "note", "howpublished", "number", "journal", "journaltitle", "booktitle", "publisher", "institution",
                "series", "type", "pubstate", "addendum", "annotation", "comment")  # fmt: skip
    return number or next((id for name in mentions if (id := arxiv_within(raw(name)))), None)


def _names(value: str) -> Iterator[Name]:
    """The names in an ``author`` field."""
    value = letters_joined(re.sub(r"\s+", " ", value).strip())
    value, more = ET_AL.subn("", value)
    parts = _split(value, re.compile(r" and(?= |$)|^and(?= )", re.IGNORECASE))
    if len(parts) == 1 and ";" in (listed := plain(value)):
        parts = _split(listed, re.compile(";"))
    for part in parts:
        several = [one.strip() for one in _split(part, re.compile(r" \\?& "))]
        # A & B may be one publisher; J. Smith & K. Doe are two people.
        for one in several if all(re.search(r"[ ,~]", one) for one in several) else [part.strip()]:
            if one:
                yield from _people(one)
    if more:
        yield Name("others")


_INITIALED = re.compile(r"(?:[^\W\d_]\.[ ~-]?)+ ?[^\W\d_]{2}")
"""A name that begins with its initials, as no family name does."""
_TWO_WORDS = re.compile(r"[^ ~]+[ ~][^ ~]").match


def _people(part: str) -> Iterator[Name]:
    """The one name that a part of an ``author`` field is; several, where somebody has listed them with commas alone."""
    pieces = [piece.strip() for piece in _split(part, re.compile(","))]
    while len(pieces) > 1 and not pieces[-1]:  # A. Smith, B. Doe, and C. Roe
        pieces.pop()
    if len(pieces) > 1 and (all(map(_INITIALED.match, pieces)) or (len(pieces) > 2 and all(map(_TWO_WORDS, pieces)))):
        yield from map(_plain_name, pieces)
    elif all(re.match(r"(?:family|given|prefix|suffix|useprefix|[a-z]+-i)\s*=", piece) for piece in pieces):
        given = {name.strip(): _clean(value) for name, _, value in (piece.partition("=") for piece in pieces)}
        family = " ".join(filter(None, (given.get("prefix"), given.get("family"))))
        yield Name(family, given.get("given", ""), given.get("suffix", ""))
    elif len(pieces) == 1:
        whole = part.startswith("{") and _group_end(part, 0) == len(part)
        yield Name(_clean(part)) if whole else _plain_name(part)
    elif len(pieces) == 2:
        first, second = _clean(pieces[0]), _clean(pieces[1])
        yield read_name(f"{first}, {second}") if SUFFIX.fullmatch(second) else Name(first, second)
    elif len(pieces) % 2 == 0 and all(re.fullmatch(r"(?:\w\.?[ ~-]?){1,4}", piece) for piece in pieces[1::2]):
        yield from (
            Name(_clean(family), _clean(given)) for family, given in zip(pieces[::2], pieces[1::2], strict=True)
        )
    else:
        yield Name(_clean(pieces[0]), _clean(", ".join(pieces[2:])), _clean(pieces[1]))


def _plain_name(part: str) -> Name:
    """A name without a comma. What stands in braces is one word, and no particle: ``A. {Delgado de Molina}``."""
    words = [word for word in _split(part.replace("\\ ", " "), re.compile("[ ~]")) if word]
    if "{" not in part:
        return read_name(" ".join(map(_clean, words)))
    whole = {n for n, word in enumerate(words) if word.startswith("{") and not word.startswith("{\\")}
    return name_of_words([_clean(word) for word in words], whole)


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

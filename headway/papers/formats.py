"""The formats by name: which one a file is, its entries, and records written in it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

from headway.base.errors import HeadwayError, did_you_mean
from headway.base.paper import Keys, Paper
from headway.papers import bibtex, csl, ris
from headway.papers.entries import Broken, PaperEntry

SUFFIXES = {
    "bibtex": (".bib", ".bibtex"),
    "ris": (".ris",),
    "csl": (".json", ".csljson"),
    "markdown": (".md", ".markdown"),
}
"""Format -> the endings of its files. Markdown is for reading, and only written."""

NAMES = {"bibtex": "BibTeX", "ris": "RIS", "csl": "CSL JSON", "markdown": "Markdown"}
"""Format -> what people call it."""


def read_file(path: Path) -> list[PaperEntry | Broken]:
    """Every entry of a .bib, .ris or CSL JSON file, whatever its encoding and whatever its name ends in."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise HeadwayError(f"there is no file {path}.") from None
    except IsADirectoryError:
        raise HeadwayError(f"{path} is a folder: give a .bib, .ris or CSL .json file.") from None
    text = decode(raw)
    form = _format_of(path, text)
    if form is None:
        raise HeadwayError(
            f"{path} is neither BibTeX, RIS nor CSL JSON: export one of these from the program it is from."
        )
    return list({"bibtex": bibtex, "ris": ris, "csl": csl}[form].read(text))


def decode(raw: bytes) -> str:
    """The text of a file of unknown origin: by its byte-order mark, else UTF-8, else as Windows and Latin-1 have it."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = raw.decode("utf-16", errors="replace")
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            try:
                text = raw.decode("cp1252")
            except UnicodeDecodeError:
                text = raw.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _format_of(path: Path, text: str) -> str | None:
    """By what is in it; by its name where that says nothing."""
    if re.search(r"^\s*TY  ?-", text, re.MULTILINE):
        return "ris"
    if re.match(r"\s*[\[{]", text):
        return "csl"
    if re.search(r"@\s*[A-Za-z]+\s*[{(]", text):
        return "bibtex"
    if not text.strip():
        return next(
            (form for form, ends in SUFFIXES.items() if path.suffix.lower() in ends and form != "markdown"), None
        )
    return None


def format_named(name: str | None, out: Path | None) -> str:
    """The format called `name`, else the one `out` ends in, else BibTeX; HeadwayError for an ending that is no format's."""
    if name is None:
        suffix = out.suffix.lower() if out else ""
        form = next((form for form, ends in SUFFIXES.items() if suffix in ends), None)
        if suffix and form is None:
            raise HeadwayError(
                f"{out}: '{suffix}' is no format's ending. End it in .bib, .ris, .json or .md, or say --format "
                f"{', '.join(SUFFIXES)}."
            )
        return form or "bibtex"
    known = {"bib": "bibtex", "json": "csl", "csl-json": "csl", "md": "markdown"}
    form = known.get(name.lower(), name.lower())
    if form not in SUFFIXES:
        raise HeadwayError(
            f"there is no format '{name}'.{did_you_mean(name, list(SUFFIXES))} Known: {', '.join(SUFFIXES)}."
        )
    return form


def write(records: Iterable[Paper], form: str, titles: dict[str, str] | None = None) -> str:
    """The records in a format of `SUFFIXES`; `titles` are the headings that Markdown gives to topics."""
    if form == "markdown":
        return _markdown(list(records), titles or {})
    return {"bibtex": bibtex, "ris": ris, "csl": csl}[form].write(_each_its_key(list(records)))


def _each_its_key(records: list[Paper]) -> list[Paper]:
    """The records with no key in a bibliography twice: where one is called what another's key is, the other gets a new one."""
    taken = Keys(record.citekey for record in records if record.citekey)
    return [
        record
        if record.citekey or (key := taken.free(record.key)) == record.key
        else dataclasses.replace(record, citekey=key)
        for record in records
    ]


def _markdown(records: list[Paper], titles: dict[str, str]) -> str:
    lines = ["# Papers", ""]
    groups = [*titles, ""]
    for group in groups:
        mine = [
            r
            for r in records
            if (r.topics and r.topics[0] == group) or (not group and not set(r.topics[:1]) & set(titles))
        ]
        if not mine:
            continue
        lines += [f"## {titles.get(group, 'Others')}", ""] if titles else []
        for record in mine:
            names = ", ".join(name.plain for name in record.authors) + (" et al." if record.others else "")
            parts = [_escape(names), f"*{_escape(record.title)}*", _escape(record.venue or ""), str(record.year or "")]
            text = ". ".join(part.rstrip(".") for part in parts if part) + "."
            if record.link:
                label = f"arXiv:{record.arxiv}" if record.arxiv else record.doi or record.link
                text += f" [{_escape(label)}](<{record.link}>)"
            lines.append(f"- {text}")
        lines.append("")
    return "\n".join(lines)


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", text)

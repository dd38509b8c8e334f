"""Notes: one Markdown file per paper, the record on top, the learner's words below.

    ---
    key: pre-ln
    title: "On Layer Normalization in the Transformer Architecture"
    ...
    headway: 5b0c9f0d21ab          <- a checksum of the lines above: whether they are still as Headway wrote them
    ---

    # On Layer Normalization in the Transformer Architecture

    ## What was the problem before it?
    ...

What stands below the front matter is never changed. The front matter is written anew only while its checksum fits, that
is, while the learner has not touched it; any front matter that YAML can read is understood.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headway.base.files import checksum, create_text, replace_if
from headway.papers.records import Record, arxiv_id, good_key, read_name

HEADINGS = (
    "What was the problem before it?",
    "The idea in my words",
    "The equation that matters",
    "What I would test",
    "Questions",
)
IMPORTED = "Imported note"
"""The heading over a note that came with an imported record; what stands under it is not counted as the learner's words."""
ENOUGH = 25
"""Words of their own that make a note of the learner's."""

_FRONT = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Note:
    """A note as it lies on the disk.

    Attributes:
        record: What its front matter says, or None where that is missing or cannot be read.
        words: How many words of their own the learner has written.
        ours: Whether the front matter is still as Headway wrote it.
        stamp: The first twelve digits of the SHA-256 of the whole file.
    """

    path: Path
    key: str
    record: Record | None
    words: int
    ours: bool
    added: str
    stamp: str

    @property
    def written(self) -> bool:
        """Whether it counts."""
        return self.words >= ENOUGH

    @property
    def state(self) -> str:
        """``written``, ``begun`` or ``none``: a file with nothing of the learner's in it is no note yet."""
        return "written" if self.written else "begun" if self.words else "none"


def read(path: Path) -> Note:
    """The note at `path`. Raises OSError where it cannot be read; whatever is in it is a note."""
    raw = path.read_bytes()
    text = raw.decode("utf-8", errors="replace")
    found = _FRONT.match(text)
    fields = _fields(found[1]) if found else {}
    record = _record(path.stem, fields)
    return Note(
        path=path,
        key=record.key if record else good_key(path.stem),
        record=record,
        words=count_words(text[found.end() :] if found else text),
        ours=bool(found) and fields.get("headway") == _checksum(found[1]),
        added=str(fields.get("added") or ""),
        stamp=checksum(raw)[:12],
    )


def create(folder: Path, record: Record, imported: str = "") -> tuple[Path, bool]:
    """The note of `record` in `folder`, and whether it is new: one that is there already stays as it is."""
    path = folder / f"{record.key}.md"
    body = [f"# {record.title}", "", *(line for heading in HEADINGS for line in (f"## {heading}", "", ""))]
    if imported := imported.strip():
        body += [f"## {IMPORTED}", "", *("> " + line for line in imported.splitlines()), ""]
    text = front(record, datetime.date.today().isoformat()) + "\n" + "\n".join(body)
    return path, create_text(path, text)


def refresh(note: Note, record: Record) -> bool:
    """Write the front matter of `note` anew from `record`, where it differs and the learner never touched it."""
    before = note.path.read_bytes()
    text = before.decode("utf-8", errors="surrogateescape")
    found = _FRONT.match(text)
    if found is None or _fields(found[1]).get("headway") != _checksum(found[1]):
        return False
    new = front(record, note.added)
    if "\r\n" in found[0]:
        new = new.replace("\n", "\r\n")
    after = (new + text[found.end() :]).encode("utf-8", errors="surrogateescape")
    return after != before and replace_if(note.path, before, after)


def count_words(body: str) -> int:
    """The words of a note that are the learner's: not our headings, not the title, not comments, not what was imported.

    A word is what stands between blanks and has a letter in it; where a script puts no blanks, a character is one.
    """
    body = re.sub(r"<!--.*?-->", " ", body.replace("\r\n", "\n"), flags=re.DOTALL)
    count, imported, titled = 0, False, False
    for line in body.split("\n"):
        line = line.strip()
        if line.startswith("#") and (heading := line.lstrip("#")) != line and heading[:1] in ("", " "):
            heading = heading.strip()
            imported = heading == IMPORTED
            if imported or heading in HEADINGS or (line.startswith("# ") and not titled):
                titled = titled or line.startswith("# ")
                continue
        if imported and (line.startswith(">") or not line):
            continue
        for word in line.split():
            characters = re.findall("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]", word)
            count += len(characters) or bool(re.search(r"[^\W\d_]", word))
    return count


# -- the front matter ----------------------------------------------------------------------------------------------------

_TEXTS = ("title", "venue", "arxiv", "doi", "url", "volume", "issue", "pages", "publisher")


def front(record: Record, added: str) -> str:
    """The front matter of `record`, both rules included."""
    lines = [f"key: {_scalar(record.key)}", f"title: {_text(record.title)}"]
    lines += (
        ["authors:", *(f"  - {_text(str(name))}" for name in record.authors)] if record.authors else ["authors: []"]
    )
    if record.others:
        lines.append("others: true")
    lines.append(f"year: {record.year or ''}".rstrip())
    lines.append(f"kind: {record.kind}")
    for name in _TEXTS[1:]:
        if value := getattr(record, name):
            lines.append(f"{name}: {_text(value)}")
    if not record.url and record.link:
        lines.append(f"url: {_text(record.link)}")
    lines.append(f"topics: [{', '.join(map(_scalar, record.topics))}]")
    lines.append(f"added: {added}")
    inside = "".join(f"{line}\n" for line in lines)
    return f"---\n{inside}headway: {_checksum(inside)}\n---\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _scalar(value: str) -> str:
    """A key without quotes where YAML takes it for a text all the same."""
    return value if re.fullmatch(r"[A-Za-z][\w-]*", value) and value.lower() not in _WORDS else _text(value)


_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def _checksum(inside: str) -> str:
    lines = [line.rstrip() for line in inside.splitlines() if not line.startswith("headway:")]
    return checksum("\n".join(lines).encode("utf-8", errors="replace"))[:12]


def _fields(inside: str) -> dict[str, Any]:
    """The front matter's fields, every value as text (``1412.6980`` is no number here)."""
    import yaml

    try:
        content = yaml.load(inside, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return {str(name): value for name, value in content.items()} if isinstance(content, dict) else {}


def _record(stem: str, fields: dict[str, Any]) -> Record | None:
    title = fields.get("title")
    if not isinstance(title, str) or not title.strip():
        return None
    text: dict[str, Any] = {name: value for name in _TEXTS if isinstance(value := fields.get(name), str)}
    number = arxiv_id(text.get("arxiv", ""))
    year = str(fields.get("year", ""))
    key = fields.get("key")
    record = Record(
        key=key if isinstance(key, str) and good_key(key) else stem,
        title=title,
        authors=tuple(map(read_name, _list(fields.get("authors")))),
        others=str(fields.get("others", "")).lower() == "true",
        year=int(year) if year.isascii() and year.isdecimal() else None,
        kind=str(fields.get("kind", "")),
        arxiv=number,
        topics=tuple(_list(fields.get("topics"))),
        **{name: value for name, value in text.items() if name not in ("title", "arxiv")},
    )
    return record if record.key and record.title else None


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    return [item for item in value if isinstance(item, str) and item.strip()] if isinstance(value, list) else []


def same(one: Record, other: Record) -> bool:
    """Whether two records say the same, links aside."""
    return dataclasses.replace(one, links=()) == dataclasses.replace(other, links=())

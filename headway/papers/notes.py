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

import datetime
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headway.base.files import checksum, create_text, replace_if
from headway.base.paper import Paper, arxiv_id, good_key, read_name

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
DIFFERENT = 12
"""How many of them have to be different words: one word said 27 times is no note."""

_FRONT = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Note:
    """A note as it lies on the disk.

    Attributes:
        record: What its front matter says, or None where that is missing or cannot be read.
        words: How many words of their own the learner has written; `different`: how many of these are different.
        ours: Whether the front matter is still as Headway wrote it.
        stamp: The first twelve digits of the SHA-256 of the whole file.
    """

    path: Path
    key: str
    record: Paper | None
    words: int
    different: int
    ours: bool
    added: str
    stamp: str

    @property
    def written(self) -> bool:
        """Whether it counts."""
        return self.words >= ENOUGH and self.different >= DIFFERENT

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
    words = own_words(text[found.end() :] if found else text)
    return Note(
        path=path,
        key=record.key if record else good_key(path.stem),
        record=record,
        words=len(words),
        different=len(set(words)),
        ours=found is not None and _is_ours(found[1], fields),
        added=_word(fields.get("added")),
        stamp=checksum(raw)[:12],
    )


def body(path: Path) -> str:
    """What stands below the front matter of the note at `path`; empty where it cannot be read."""
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return ""
    found = _FRONT.match(text)
    return text[found.end() :] if found else text


def text_of(record: Paper, imported: str = "") -> str:
    """A new note: the record's front matter, the headings, and the note that came with the record.

    What to read closely and where to see it in our code stands in it as a comment; what the paper says is for the learner to say.
    """
    lines = [
        f"# {record.title}",
        "",
        *_hint(record),
        *(line for heading in HEADINGS for line in (f"## {heading}", "", "")),
    ]
    if imported := imported.strip():
        lines += [f"## {IMPORTED}", "", *("> " + line for line in re.split(r"\r\n|\r|\n", imported)), ""]
    return front(record, datetime.date.today().isoformat()) + "\n" + "\n".join(lines)


def _hint(record: Paper) -> list[str]:
    """The lines of the comment that says where to look; none where there is nothing to say."""
    if not record.read_closely:
        return []
    places = [f"{file}, {name}" + (f": {seen}" if seen else "") for file, name, seen in record.places]
    told = [f"Read closely: {record.read_closely}.", *(["In our code:"] if places else []), *places]
    return ["<!--", *(line.replace("--", "-") for line in told), "-->", ""]


def create(folder: Path, record: Paper, imported: str = "") -> tuple[Path, bool]:
    """The note of `record` in `folder`, and whether it is new: one that is there already stays as it is."""
    path = folder / f"{record.key}.md"
    return path, create_text(path, text_of(record, imported))


def fresh(path: Path, record: Paper, text: str) -> Note:
    """The note that `text_of` gave for `record`, as `read` would have it."""
    record = record.bare
    today = datetime.date.today().isoformat()
    return Note(path, record.key, record, 0, 0, True, today, checksum(text.encode())[:12])


def refresh(note: Note, record: Paper) -> bool:
    """Write the front matter of `note` anew from `record`, where it differs and the learner never touched it."""
    before = note.path.read_bytes()
    text = before.decode("utf-8", errors="surrogateescape")
    found = _FRONT.match(text)
    if found is None or not _is_ours(found[1], _fields(found[1])):
        return False
    new = front(record, note.added)
    if "\r\n" in found[0]:
        new = new.replace("\n", "\r\n")
    after = (new + text[found.end() :]).encode("utf-8", errors="surrogateescape")
    return after != before and replace_if(note.path, before, after)


def own_words(body: str) -> list[str]:
    """The words of a note that are the learner's: not our headings, not the title, not comments, not what was imported.

    A word is what stands between blanks and has a letter in it, without capitals and signs; where a script puts no blanks, a
    character is one.
    """
    body = _without_comments(body.replace("\r\n", "\n"))
    words: list[str] = []
    imported, titled = False, False
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
            if characters := _NO_BLANKS.findall(word):
                words += characters
            elif _LETTER.search(word):
                words.append(word.strip(_SIGNS).casefold())
    return words


_NO_BLANKS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")
_SIGNS = ".,;:!?()[]{}<>\"'`*_~=+-#|/\\…–—“”‘’«»"
_LETTER = re.compile(r"[^\W\d_]")


def _without_comments(text: str) -> str:
    """`text` without ``<!-- ... -->``; a comment that nothing ends is text."""
    out, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        out.append(text[at:start])
        at = end + 3
    return " ".join([*out, text[at:]])


# -- the front matter ----------------------------------------------------------------------------------------------------

_TEXTS = ("title", "venue", "arxiv", "doi", "url", "volume", "issue", "pages", "publisher")


def front(record: Paper, added: str) -> str:
    """The front matter of `record`, both rules included."""
    lines = [f"key: {_scalar(record.key)}"]
    if record.citekey:
        lines.append(f"citekey: {_text(record.citekey)}")
    lines.append(f"title: {_text(record.title)}")
    lines += (
        ["authors:", *(f"  - {_text(str(name))}" for name in record.authors)] if record.authors else ["authors: []"]
    )
    if record.others:
        lines.append("others: true")
    if record.protected:
        lines += ["protected:", *(f"  - {_text(words)}" for words in record.protected)]
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
    lines = [line.rstrip() for line in re.split(r"\r\n|\r|\n", inside) if not line.startswith("headway:")]
    return checksum("\n".join(lines[:-1] if lines[-1:] == [""] else lines).encode("utf-8", errors="replace"))[:12]


def _is_ours(inside: str, fields: dict[str, Any]) -> bool:
    """Whether the front matter is as Headway wrote it."""
    return fields.get("headway") == _checksum(inside)


_LINE = re.compile(
    r'([a-z]+):(?: ("(?:[^"\\]|\\.)*"|[A-Za-z0-9][\w.-]*|\[\]))?|  - ("(?:[^"\\]|\\.)*")|topics: \[([\w., -]+)\]'
)


def _fields(inside: str) -> dict[str, Any]:
    """The front matter's fields: every value a text (``1412.6980`` is no number here) or a list of texts.

    What Headway has written is read line by line; for anything else YAML is asked.
    """
    fields: dict[str, Any] = {}
    last = ""
    for line in inside.split("\n"):
        found = _LINE.fullmatch(line.rstrip("\r"))
        if found is None:
            if line.strip():
                return _yaml_fields(inside)
            continue
        name, value, item, topics = found.groups()
        if topics is not None:
            fields["topics"] = [topic.strip() for topic in topics.split(",")]
        elif item is not None:
            if not isinstance(fields.get(last), list):
                return _yaml_fields(inside)
            fields[last].append(json.loads(item))
        elif name in fields:
            return _yaml_fields(inside)
        else:
            last = name
            try:
                quoted = value is not None and value.startswith('"')
                fields[name] = json.loads(value) if quoted else value if value not in (None, "[]") else []
            except ValueError:
                return _yaml_fields(inside)
    return {
        name: "" if value == [] and name not in ("authors", "protected", "topics") else value
        for name, value in fields.items()
    }


def _yaml_fields(inside: str) -> dict[str, Any]:
    """The fields of a mapping in YAML: texts and lists of texts; what is nested deeper, and what refers to another, is left out.

    YAML is taken event by event, so that neither a thousand brackets nor a few lines that stand for billions cost anything.
    """
    import yaml

    fields: dict[str, Any] = {}
    depth = 0
    name: str | None = None
    items: list[str] | None = None
    try:
        for event in yaml.parse(inside, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
            opens, closes = isinstance(event, yaml.CollectionStartEvent), isinstance(event, yaml.CollectionEndEvent)
            if depth == 0 and opens and not isinstance(event, yaml.MappingStartEvent):
                return {}
            if opens or isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
                text = event.value if isinstance(event, yaml.ScalarEvent) else None
                if depth == 1 and name is None:
                    name = text if text is not None else ""
                    if opens:
                        return {}
                elif depth == 1 and name is not None:
                    items = [] if isinstance(event, yaml.SequenceStartEvent) else None
                    fields[name] = text if text is not None else items
                    name = None
                elif depth == 2 and items is not None and text is not None:
                    items.append(text)
            depth += opens - closes
            if depth > _DEEPEST:
                return {}
            if depth == 1 and closes:
                items = None
            if depth == 0 and closes:
                return {key: value for key, value in fields.items() if value is not None}
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return {}


_DEEPEST = 20
"""Lists and mappings within each other; no front matter has more."""


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _record(stem: str, fields: dict[str, Any]) -> Paper | None:
    title = fields.get("title")
    if not isinstance(title, str) or not title.strip():
        return None
    text: dict[str, Any] = {name: value for name in _TEXTS if isinstance(value := fields.get(name), str)}
    number = arxiv_id(text.get("arxiv", ""))
    year = re.fullmatch(r"\s*([0-9]{4})\s*", _word(fields.get("year")))
    key = fields.get("key")
    record = Paper(
        key=key if isinstance(key, str) and good_key(key) else stem,
        citekey=_word(fields.get("citekey")),
        title=title,
        protected=tuple(_list(fields.get("protected"))),
        authors=tuple(map(read_name, _list(fields.get("authors")))),
        others=_word(fields.get("others")).lower() == "true",
        year=int(year[1]) if year else None,
        kind=_word(fields.get("kind")),
        arxiv=number,
        topics=tuple(_list(fields.get("topics"))),
        **{name: value for name, value in text.items() if name not in ("title", "arxiv")},
    )
    return record if record.key and record.title else None


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    return [item for item in value if isinstance(item, str) and item.strip()] if isinstance(value, list) else []


def same(one: Paper, other: Paper) -> bool:
    """Whether two records say the same, our guide to the paper and more addresses aside."""
    return one.bare == other.bare

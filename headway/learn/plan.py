"""The learner's plan: any Markdown list, read as bytes, so that ticking a line changes one byte and nothing else.

Reading follows CommonMark and GitHub's task lists where they speak: bullets ``-``, ``*``, ``+``, ``1.``, ``1)``; spaces or
tabs; block quotes; fenced and indented code, HTML comments and front matter are not lists. It is kinder than they are in
two places, for plans written by hand: a task indented further than its parent allows is still a task, and a box with
nothing behind it is still a box. Line ends may be any mixture of CRLF, LF and CR, and the bytes need not be UTF-8.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headway.base.errors import HeadwayError
from headway.base.files import replace_if
from headway.base.lock import locked

LARGEST = 8 * 2**20
"""Bytes; a file above this is no plan."""
MOST = 10_000
"""Lines with a bullet, a box or a heading; a plan of a few pages has some hundred."""
DEEPEST = 100
"""Lines that stand under one another."""

TICKED = "xX"
OTHER_MARKS = "-/><!?*"
"""Boxes of other note-taking programs (cancelled, in progress, ...): not ticked, and never changed by Headway by itself."""


@dataclass(frozen=True)
class Key:
    """What a line is known by, whatever its number: its text, the texts of the lines above it, and which one of several."""

    text: str
    under: tuple[str, ...] = ()
    occurrence: int = 1

    def facts(self) -> dict:
        """As JSON keeps it."""
        return {"line": self.text, "under": list(self.under), "occurrence": self.occurrence}

    @classmethod
    def from_facts(cls, facts: Mapping) -> Key | None:
        """The inverse of `facts`; None where the shape is wrong."""
        text, under, occurrence = facts.get("line"), facts.get("under", []), facts.get("occurrence", 1)
        if not isinstance(text, str) or not isinstance(under, list) or not isinstance(occurrence, int):
            return None
        return cls(text, tuple(str(line) for line in under), occurrence)


@dataclass(frozen=True)
class Item:
    """One line of the plan.

    Attributes:
        index: Its place in `Plan.items`.
        line: Line number from 1.
        kind: ``task`` (has a box), ``bullet`` (has none), ``heading``.
        text: What stands behind the box, with the blanks around it removed.
        more: The lines that continue it, joined by blanks.
        box: Offset in bytes of the character between the brackets, None without a box.
        mark: That character; an empty string without a box.
        parent: Index of the item or heading it stands under, None at the top.
        depth: How many it stands under.
        key: What it is known by.
    """

    index: int
    line: int
    kind: str
    text: str
    more: str
    box: int | None
    mark: str
    parent: int | None
    depth: int
    key: Key

    @property
    def ticked(self) -> bool:
        return self.mark != "" and self.mark in TICKED

    @property
    def empty(self) -> bool:
        """A box or bullet with nothing behind it."""
        return not self.text and not self.more


@dataclass(frozen=True)
class Plan:
    """A plan as it was read. `references` are the addresses of ``[label]: address`` lines, by label in lower case."""

    content: bytes
    items: tuple[Item, ...]
    references: Mapping[str, str]

    @functools.cached_property
    def _below(self) -> dict[int | None, list[Item]]:
        below: dict[int | None, list[Item]] = {}
        for item in self.items:
            below.setdefault(item.parent, []).append(item)
        return below

    @functools.cached_property
    def _ends(self) -> list[int]:
        """For each item the index behind the last one beneath it."""
        ends = [len(self.items)] * len(self.items)
        open_: list[Item] = []
        for item in self.items:
            while open_ and open_[-1].depth >= item.depth:
                ends[open_.pop().index] = item.index
            open_.append(item)
        return ends

    @functools.cached_property
    def _known(self) -> tuple[dict[Key, int], dict[str, list[int]]]:
        by_text: dict[str, list[int]] = {}
        for item in self.items:
            by_text.setdefault(item.key.text, []).append(item.index)
        return {item.key: item.index for item in self.items}, by_text

    def children(self, item: Item | None) -> list[Item]:
        """The items directly under `item` (None: at the top), in order."""
        return self._below.get(None if item is None else item.index, [])

    def beneath(self, item: Item) -> Iterator[Item]:
        """Everything under `item`, at any depth, in order."""
        for index in range(item.index + 1, self._ends[item.index]):
            yield self.items[index]

    def above(self, item: Item) -> Iterator[Item]:
        """What `item` stands under, the nearest first."""
        while item.parent is not None:
            item = self.items[item.parent]
            yield item

    @functools.cached_property
    def tasks(self) -> tuple[Item, ...]:
        """The lines with a box."""
        return tuple(item for item in self.items if item.kind == "task")

    @functools.cached_property
    def lines(self) -> tuple[Item, ...]:
        """The lines the plan consists of: tasks and bullets; headings, where there is nothing else."""
        return tuple(item for item in self.items if item.kind != "heading") or self.items

    def locate(self, key: Key) -> Item | None:
        """The line known by `key`; a line that moved is found where its text is the only one of its kind."""
        by_key, by_text = self._known
        if (index := by_key.get(key)) is not None:
            return self.items[index]
        same = by_text.get(key.text, [])
        return self.items[same[0]] if len(same) == 1 and key.occurrence == 1 and key.text else None

    def find(self, asked: str) -> Item:
        """The line that a person means by `asked`: its number, or a part of its text that no other line has.

        Raises HeadwayError, with the candidates, where that is not one line.
        """
        word = asked.strip()
        if word.isdecimal():
            for item in self.items:
                if item.line == int(word) and item.kind != "heading":
                    return item
            for item in self.items:
                if item.line == int(word):
                    return item
            raise HeadwayError(f"line {word} of the plan holds no list item: `headway plan` shows the numbers.")
        plain = " ".join(word.split()).casefold()
        exact = [item for item in self.lines if " ".join(item.text.split()).casefold() == plain]
        found = exact or [item for item in self.lines if plain and plain in " ".join(item.text.split()).casefold()]
        if len(found) == 1:
            return found[0]
        if not found:
            raise HeadwayError(f"no line of the plan contains '{asked}': `headway plan` shows them with their numbers.")
        listed = ", ".join(str(item.line) for item in found[:8]) + (" ..." if len(found) > 8 else "")
        raise HeadwayError(f"'{asked}' is in {len(found)} lines ({listed}): say which number.")

    def marked(self, marks: Mapping[int, str]) -> bytes:
        """The content with the boxes of the items at the given indices set to the given ASCII characters."""
        content = bytearray(self.content)
        for index, mark in marks.items():
            box = self.items[index].box
            if box is None:
                raise ValueError(f"line {self.items[index].line} has no box")
            content[box : box + 1] = mark.encode("ascii")
        return bytes(content)

    @property
    def letter(self) -> str:
        """How this plan writes a tick: ``X`` where all its ticks are capitals, else ``x``."""
        marks = {item.mark for item in self.items if item.ticked}
        return "X" if marks == {"X"} else "x"


# -- reading -------------------------------------------------------------------------------------------------------------

_CONTROLS = bytes(byte for byte in range(32) if byte not in (9, 10, 12, 13, 27))
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_BULLET = re.compile(rb"([-*+]|\d{1,9}[.)])(?=[ \t]|$)")
_BOX = re.compile(rb"\[([ xX" + re.escape(OTHER_MARKS.encode()) + rb"])\](?=[ \t]|$)")
_FENCE = re.compile(rb"(`{3,})[^`]*$|(~{3,})")
_HEADING = re.compile(rb"(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(rb"(=+|-+)[ \t]*$")
_DEFINITION = re.compile(rb"\[([^\]]+)\]:[ \t]*<?([^\s>]+)")
_RAW_HTML = re.compile(rb"<(pre|script|style|textarea)(?=[\s>]|$)", re.IGNORECASE)
_KEY_LINE = re.compile(rb"[\w\"'][\w \"'./-]*[:=]", re.ASCII)


@dataclass
class _Open:
    """A list item that further lines may belong to. Columns count from 0, a tab reaching to the next multiple of 4."""

    quote: int
    bullet: int
    content: int
    index: int


@dataclass
class _Draft:
    line: int
    kind: str
    text: str
    box: int | None
    mark: str
    parent: int | None
    depth: int
    more: list[str] = field(default_factory=list)


def parse(content: bytes) -> Plan:
    """Read a plan from its bytes; what is no list is left alone.

    Raises HeadwayError where it has more than `MOST` items, or more than `DEEPEST` under one another.
    """
    plan = _parse(content, code=True)
    if any(item.kind == "task" for item in plan.items):
        return plan
    # A list whose every line is indented by four is code to CommonMark. Where that leaves nothing, it is meant as a list.
    kinder = _parse(content, code=False)
    return kinder if any(item.kind == "task" for item in kinder.items) else plan


def _parse(content: bytes, *, code: bool) -> Plan:
    lines = [(m.start(), m[0].rstrip(b"\r\n")) for m in _LINE.finditer(content) if m[0] or m.start() < len(content)]
    if lines and lines[0][1].startswith(b"\xef\xbb\xbf"):
        lines[0] = (lines[0][0] + 3, lines[0][1][3:])
    drafts: list[_Draft] = []
    references: dict[str, str] = {}
    stack: list[_Open] = []
    headings: list[tuple[int, int]] = []
    fence: tuple[bytes, int, int] | None = None  # the marker, the quote depth, the column its content may not leave
    html: re.Pattern[bytes] | None = None
    paragraph: tuple[int, bytes] | None = None  # where the line before was plain text: its number and text
    text_before = False  # whether the line before was part of a paragraph, an item's own text included

    skip = _front_matter([line for _, line in lines])
    for number, (start, raw) in enumerate(lines):
        if number < skip:
            continue
        depth, at, column, quoted = _quotes(raw, fence[1] if fence else None)
        indent_at, indent = _blanks(raw, at, column)
        rest = raw[indent_at:].rstrip()
        if fence:
            marker, quotes, edge = fence
            if depth < quotes or (rest and indent < edge):
                fence = None  # its container ended, and the code with it
            else:
                if rest.strip(marker[:1]) == b"" and len(rest) >= len(marker):
                    fence = None
                continue
        if html is not None:
            if html.search(raw):
                html = None
            continue
        if not rest:
            paragraph, text_before = None, False
            continue

        bullet = _BULLET.match(rest) if not _is_break(rest) else None
        heading = _HEADING.match(rest)
        opens = _FENCE.match(rest)
        lazy = text_before and not (bullet or heading or opens)
        if not lazy:
            while stack and _left(stack[-1], depth, quoted, indent, bool(bullet)):
                stack.pop()
        inner = stack[-1].content if stack and stack[-1].quote == depth else column
        if code and indent - inner >= 4 and not text_before:
            paragraph = None
            continue
        if paragraph and not stack and (under := _UNDERLINE.match(rest)) and not _item_before(drafts, number):
            _add_heading(drafts, headings, paragraph[0], 1 if under[1][:1] == b"=" else 2, _text(paragraph[1]))
            paragraph, text_before = None, False
            continue
        if _is_break(rest):
            paragraph, text_before = None, False
            continue
        if heading:
            stack.clear()
            _add_heading(drafts, headings, number + 1, len(heading[1]), _text(_heading_text(rest[heading.end() :])))
            paragraph, text_before = None, False
            continue
        if opens:
            edge = stack[-1].content if stack and stack[-1].quote == depth else 0
            fence = ((opens[1] or opens[2]), depth, edge)
            paragraph, text_before = None, False
            continue
        if not bullet:
            html = _html(rest, (lines[n][1] for n in range(number + 1, len(lines))))
            if html is not None:
                paragraph, text_before = None, False
                continue
            if definition := _DEFINITION.match(rest):
                references.setdefault(_text(definition[1]).casefold(), _text(definition[2]))
            elif stack and text_before:
                owner = drafts[stack[-1].index]
                owner.more.append(_text(rest))
            paragraph, text_before = (number + 1, rest), True
            continue

        paragraph, text_before = None, True
        on_line = 0
        while bullet:
            marker_column = indent
            after = indent_at + len(bullet[1])
            next_at, next_column = _blanks(raw, after, indent + len(bullet[1]))
            body = raw[next_at:].rstrip()
            wide = next_column - marker_column - len(bullet[1])
            inside = next_column if body and wide <= 4 else marker_column + len(bullet[1]) + 1
            parent = stack[-1].index if stack else headings[-1][1] if headings else None
            box = _BOX.match(body)
            mark = box[1].decode() if box else ""
            text = _text(body[3:] if box else body)
            nested = None if box or _is_break(body) or on_line > 8 else _BULLET.match(body)
            on_line += 1
            stack.append(_Open(depth, marker_column, inside, len(drafts)))
            where = start + next_at + 1 if box else None
            kind = "task" if box else "bullet"
            _add(drafts, _Draft(number + 1, kind, "" if nested else text, where, mark, parent, _under(drafts, parent)))
            if not box and (opened := _FENCE.match(body)):
                fence = ((opened[1] or opened[2]), depth, inside)
                drafts[-1].text, text_before = "", False
            text_before = text_before and bool(body)
            bullet, indent_at, indent = nested, next_at, next_column
    return Plan(content, _named(drafts), references)


def _item_before(drafts: list[_Draft], number: int) -> bool:
    """Whether the line before `number` is an item: a row of dashes under an item is a break, not its underline."""
    return bool(drafts) and drafts[-1].line == number and drafts[-1].kind != "heading"


def _left(open_item: _Open, depth: int, quoted: int, indent: int, bullet: bool) -> bool:
    """Whether a line of this quote depth and column no longer belongs to `open_item`."""
    if open_item.quote > depth:
        return True
    column = indent if open_item.quote == depth else quoted
    # Two columns are enough for a bullet to be meant as nested, although "10. " asks for four.
    enough = min(open_item.content, open_item.bullet + 2) if bullet else open_item.content
    return column < enough


def _quotes(raw: bytes, limit: int | None) -> tuple[int, int, int, int]:
    """Walk over ``> `` prefixes, at most `limit`, else `DEEPEST`: their number, the offset and column behind them, the first
    one's column."""
    depth, at, column, first = 0, 0, 0, 0
    while depth < (DEEPEST if limit is None else limit):
        next_at, next_column = _blanks(raw, at, column)
        if raw[next_at : next_at + 1] != b">":
            break
        if not depth:
            first = next_column
        depth, at, column = depth + 1, next_at + 1, next_column + 1
        if raw[at : at + 1] == b" ":
            at, column = at + 1, column + 1
    return depth, at, column, first


def _blanks(raw: bytes, at: int, column: int) -> tuple[int, int]:
    """The offset and column of the first byte from `at` on that is neither space nor tab."""
    while at < len(raw):
        if raw[at] == 0x20:
            column += 1
        elif raw[at] == 0x09:
            column += 4 - column % 4
        else:
            break
        at += 1
    return at, column


def _front_matter(lines: list[bytes]) -> int:
    """How many lines at the top are YAML or TOML front matter: a block between ``---`` (or ``+++``) that has keys in it."""
    if not lines or lines[0].rstrip() not in (b"---", b"+++"):
        return 0
    ends = (b"---", b"...") if lines[0].rstrip() == b"---" else (b"+++",)
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() in ends:
            block = lines[1:number]
            return number + 1 if not block or any(_KEY_LINE.match(row) for row in block) else 0
    return 0


def _html(rest: bytes, following: Iterable[bytes]) -> re.Pattern[bytes] | None:
    """What ends the comment or raw block that `rest` opens and does not close; None where it opens none."""
    if rest.startswith(b"<!--"):
        end = re.compile(rb"-->")
        return None if end.search(rest, 4) else end
    if rest.startswith(b"%%"):  # a comment of Obsidian; unlike HTML's it needs its end
        end = re.compile(rb"%%")
        return end if not end.search(rest, 2) and any(end.search(line) for line in following) else None
    if raw := _RAW_HTML.match(rest):
        end = re.compile(rb"</" + raw[1] + rb">", re.IGNORECASE)
        return None if end.search(rest) else end
    return None


def _text(raw: bytes) -> str:
    """`raw` as text: UTF-8, else the Western encodings that take any byte."""
    for encoding in ("utf-8", "cp1252"):
        with contextlib.suppress(UnicodeDecodeError):
            return raw.decode(encoding).strip()
    return raw.decode("latin-1").strip()


def _add_heading(drafts: list[_Draft], headings: list[tuple[int, int]], line: int, level: int, text: str) -> None:
    while headings and headings[-1][0] >= level:
        headings.pop()
    parent = headings[-1][1] if headings else None
    headings.append((level, len(drafts)))
    _add(drafts, _Draft(line, "heading", text, None, "", parent, _under(drafts, parent)))


def _under(drafts: list[_Draft], parent: int | None) -> int:
    return 0 if parent is None else drafts[parent].depth + 1


def _add(drafts: list[_Draft], draft: _Draft) -> None:
    if draft.depth > DEEPEST:
        raise HeadwayError(
            f"line {draft.line} of the plan stands under {draft.depth} others: Headway follows {DEEPEST}."
        )
    if len(drafts) >= MOST:
        raise HeadwayError(
            f"the plan has more than {MOST} lines with a bullet, a box or a heading: keep a part of it in another file."
        )
    drafts.append(draft)


def _is_break(rest: bytes) -> bool:
    """Whether a line is a thematic break: three or more of one of ``-``, ``*``, ``_`` and nothing else."""
    bare = rest.replace(b" ", b"").replace(b"\t", b"")
    return len(bare) >= 3 and bare[:1] in (b"-", b"*", b"_") and not bare.strip(bare[:1])


def _heading_text(rest: bytes) -> bytes:
    """What stands behind the hashes of a heading, without those that close it."""
    text = rest.strip(b" \t")
    bare = text.rstrip(b"#")
    return bare.rstrip(b" \t") if not bare or bare[-1:] in (b" ", b"\t") else text


def _named(drafts: list[_Draft]) -> tuple[Item, ...]:
    """Items with their keys: equal lines under equal lines are counted."""
    items: list[Item] = []
    seen: dict[tuple[str, tuple[str, ...]], int] = {}
    for index, draft in enumerate(drafts):
        text = " ".join(draft.text.split())
        above = items[draft.parent].key if draft.parent is not None else None
        under = (*above.under, above.text) if above else ()
        seen[text, under] = seen.get((text, under), 0) + 1
        key = Key(text, under, seen[text, under])
        items.append(
            Item(
                index=index,
                line=draft.line,
                kind=draft.kind,
                text=draft.text,
                more=" ".join(filter(None, draft.more)),
                box=draft.box,
                mark=draft.mark,
                parent=draft.parent,
                depth=draft.depth,
                key=key,
            )
        )
    return tuple(items)


def read(path: Path) -> Plan:
    """Read the plan at `path`.

    Raises HeadwayError where there is no such file, or where it holds nothing that could be a plan.
    """
    plan = parse(_bytes(path))
    if not plan.items:
        raise HeadwayError(
            f"{path} has no list in it: a plan is a Markdown list, for example `- [ ] Read the BERT paper`."
        )
    return plan


def read_bytes(path: Path) -> bytes:
    """The content of the plan at `path`, once it is sure to be a text with at least one item or heading in it."""
    return read(path).content


def _bytes(path: Path) -> bytes:
    """The content of the file at `path`, once it is sure to be a text."""
    if path.is_dir():
        raise HeadwayError(f"{path} is a folder: name the Markdown file in it.")
    if path.exists() and not path.is_file():
        raise HeadwayError(f"{path} is no ordinary file: name a Markdown file with a task list in it.")
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise HeadwayError(f"{path} has {size / 2**20:.0f} MB: a plan is a Markdown text of a few pages.")
        content = path.read_bytes()
    except FileNotFoundError:
        raise HeadwayError(f"there is no file {path}: name a Markdown file with a task list in it.") from None
    except PermissionError:
        raise HeadwayError(f"{path} may not be read: change its permissions.") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise HeadwayError(f"{path} is in UTF-16: save it as UTF-8.")
    controls = len(content) - len(content.translate(None, _CONTROLS))
    if b"\0" in content or controls > len(content) // 20:
        raise HeadwayError(f"{path} is no text: name a Markdown file with a task list in it.")
    if not content.strip(b" \t\r\n\xef\xbb\xbf"):
        raise HeadwayError(f"{path} is empty: a plan is a Markdown list, for example `- [ ] Read the BERT paper`.")
    return content


# -- writing -------------------------------------------------------------------------------------------------------------


PATIENCE = 5.0
"""How many seconds a mark waits for a file that somebody else writes to all the time."""


@dataclass(frozen=True)
class Change:
    """What became of the wished marks, by key: set now, so already, or the line is gone (or has no box)."""

    done: dict[Key, str]
    already: tuple[Key, ...]
    gone: tuple[Key, ...]


def mark(path: Path, wanted: Mapping[Key, str | None], lock: Path | None = None) -> Change:
    """Set the boxes of the lines known by the keys of `wanted`, and change no other byte.

    A value is the character for the box; None means a tick, written the way this plan writes ticks. The file is read
    again at the moment of writing, so that what was edited meanwhile stays; if it changes during the write itself, it is
    read once more. The write is atomic. `lock` is a file that keeps several commands from writing at once.

    Raises HeadwayError when the file is gone, or keeps changing.
    """
    with locked(lock) if lock is not None else contextlib.nullcontext():
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            plan = read(path)
            marks: dict[int, str] = {}
            done: dict[Key, str] = {}
            already, gone = [], []
            for key, wish in wanted.items():
                item = plan.locate(key)
                character = wish if wish is not None else plan.letter
                if item is None or item.box is None:
                    gone.append(key)
                elif item.mark == character or (character in TICKED and item.ticked):
                    already.append(key)
                else:
                    marks[item.index] = character
                    done[key] = character
            change = Change(done, tuple(already), tuple(gone))
            if not marks:
                return change
            if not os.access(path, os.W_OK):
                raise HeadwayError(f"{path} is read-only: `chmod u+w` it, and try again.")
            if replace_if(path, plan.content, plan.marked(marks)):
                return change
    raise HeadwayError(f"{path} keeps changing while Headway writes to it: try again when it rests.")


# -- showing -------------------------------------------------------------------------------------------------------------

_MOJIBAKE = re.compile(
    "[\u0080-\u00ff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{2,}"
)


def mend(text: str) -> str:
    """`text` with UTF-8 that was once read as Western (``â†’`` for an arrow) put right; for eyes and for matching only."""
    return _MOJIBAKE.sub(lambda found: _reread(found[0]), text)


def _reread(text: str) -> str:
    raw = bytearray()
    for character in text:
        try:
            raw += character.encode("cp1252")
        except UnicodeEncodeError:
            if ord(character) > 255:
                return text
            raw.append(ord(character))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return text

"""Our source with notes beside its lines: read when the lesson is opened, so that it is what runs, and never a copy.

`annotated` gives HTML: the lines that matter are shown, those before and after them are folded, each note stands beside its
line on a wide screen and under it on a narrow one, types are dimmed and the docstring is left out. The colours and the
two columns are in ``web/lessons.css`` (classes ``hw-noted``, ``hw-line``, ``hw-note`` and pygments' own short names).
"""

from __future__ import annotations

import ast
import html
import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pygments.lexers import PythonLexer
from pygments.token import STANDARD_TYPES

from headway.base.lines import lines_of


@dataclass
class SourceLine:
    """One line of a source: its text, which of its characters are dimmed, and the notes that belong to it."""

    text: str
    quiet: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    docstring: bool = False


def source_lines(thing: Callable[..., Any] | type) -> list[SourceLine]:
    """The lines of a function or class, without the indent they share; types are marked quiet, docstrings as such."""
    text = textwrap.dedent(inspect.getsource(thing)).rstrip()
    lines = [SourceLine(line) for line in lines_of(text)]
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and ast.get_docstring(node) is not None
        ):
            first = node.body[0]
            if len(node.body) > 1:  # a docstring that is the whole body has to stay: nothing else says what is there
                assert first.end_lineno is not None
                after = first.end_lineno
                while after < len(lines) and not lines[after].text.strip():
                    after += 1
                for line in lines[first.lineno - 1 : after]:
                    line.docstring = True
        for begin, end in _types_of(node):
            _dim(lines, begin, end)
    return lines


def _types_of(node: ast.AST) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Where annotations stand: (line from 1, byte column) of the beginning and the end, colon and arrow included."""
    if isinstance(node, ast.arg) and node.annotation is not None:
        yield (node.lineno, node.col_offset + len(node.arg.encode())), _end(node.annotation)
    elif isinstance(node, ast.AnnAssign):
        yield _end(node.target), _end(node.annotation)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
        yield (node.returns.lineno, max(0, node.returns.col_offset - 4)), _end(node.returns)


def _end(node: ast.expr) -> tuple[int, int]:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset


def _dim(lines: list[SourceLine], begin: tuple[int, int], end: tuple[int, int]) -> None:
    for number in range(begin[0], end[0] + 1):
        line = lines[number - 1]
        raw = line.text.encode()
        first = len(raw[: begin[1]].decode()) if number == begin[0] else 0
        last = len(raw[: end[1]].decode()) if number == end[0] else len(line.text)
        line.quiet.update(range(first, last))


def _find(lines: list[SourceLine], fragment: str, where: str) -> int:
    """The one line that `fragment` is part of, docstrings aside; a note on what is not there, or twice, is a mistake of ours."""
    found = [n for n, line in enumerate(lines) if fragment in line.text and not line.docstring]
    if len(found) != 1:
        raise ValueError(
            f"a note speaks of {fragment!r}, which stands in {len(found)} lines of {where}: give a piece of exactly one line"
        )
    return found[0]


def annotated(thing: Callable[..., Any] | type, notes: Mapping[str, str], only: tuple[str, str] | None = None) -> str:
    """The source of `thing` as HTML with `notes` beside its lines.

    Args:
        thing: A function or class of ours.
        notes: A piece of exactly one source line -> what to say about that line, in a few words; `code` in backticks.
        only: Pieces of the first and of the last line that matter; what is before and after is folded. None: all matters.

    Raises ValueError where a piece is not in the source any more, or in more than one line.
    """
    where = f"{thing.__module__}.{thing.__qualname__}"
    lines = source_lines(thing)
    for fragment, note in notes.items():
        lines[_find(lines, fragment, where)].notes.append(note)
    begin, end = 0, len(lines) - 1
    if only is not None:
        begin, end = (_find(lines, fragment, where) for fragment in only)
        if end < begin:
            raise ValueError(f"the lines of {where} that matter end before they begin")
    for n, line in enumerate(lines):
        if line.notes and not begin <= n <= end:
            raise ValueError(f"a note on {line.text.strip()!r} of {where} stands outside the lines that matter")
    shown = _rows(_coloured(lines))
    parts = (shown[:begin], shown[begin : end + 1], shown[end + 1 :])
    before, middle, after = ([row for row in part if row is not None] for part in parts)
    file = thing.__module__.replace(".", "/") + ".py"
    name = html.escape(thing.__qualname__)
    return (
        f'<figure class="hw-noted"><figcaption><code>{name}</code> in <code>{file}</code></figcaption>'
        f"{_folded(before)}<div class='hw-rows'>{''.join(middle)}</div>{_folded(after)}</figure>"
    )


def _folded(rows: list[str]) -> str:
    if not rows:
        return ""
    many = f"{len(rows)} more line{'s' if len(rows) > 1 else ''}"
    return f"<details><summary>{many}</summary><div class='hw-rows'>{''.join(rows)}</div></details>"


def _rows(coloured: list[tuple[SourceLine, str]]) -> list[str | None]:
    """One row per line: the code, and its notes where it has any; None for the lines of a docstring."""
    rows: list[str | None] = []
    for line, code in coloured:
        told = "".join(f'<span class="hw-note">{_plain_code(note)}</span>' for note in line.notes)
        kind = "hw-line hw-has-note" if told else "hw-line"
        # A newline in the code's own element: what is selected and copied is the source, line by line.
        rows.append(
            None if line.docstring else f'<div class="{kind}"><code class="hw-code">{code}\n</code>{told}</div>'
        )
    return rows


def _plain_code(note: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(note, quote=False))


def _coloured(lines: list[SourceLine]) -> list[tuple[SourceLine, str]]:
    """Each line with its HTML: pygments' class for each token, ``hw-quiet`` around what is dimmed."""
    text = "\n".join(line.text for line in lines)
    kinds = [
        STANDARD_TYPES.get(kind, "")
        for kind, token in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text)
        for _ in token
    ]
    out, at = [], 0
    for line in lines:
        letters = [
            (kinds[at + n] if at + n < len(kinds) else "", n in line.quiet, letter)
            for n, letter in enumerate(line.text)
        ]
        at += len(line.text) + 1
        parts = []
        for (kind, quiet), group in itertools.groupby(letters, key=lambda letter: letter[:2]):
            piece = html.escape("".join(letter[2] for letter in group), quote=False)
            names = " ".join(name for name in (kind, "hw-quiet" if quiet else "") if name)
            parts.append(f'<span class="{names}">{piece}</span>' if names else piece)
        out.append((line, "".join(parts)))
    return out

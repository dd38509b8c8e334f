"""``headway diff A B``: what changed between two architectures and why, from the files' own notes."""

from __future__ import annotations

import difflib
from typing import Annotated

import cyclopts
from rich.syntax import Syntax
from rich.table import Table

from headway.base.console import out, paged
from headway.base.errors import HeadwayError
from headway.base.lines import lines_of
from headway.cli.shared.architectures import chain, told
from headway.models.catalog import CATALOG, entry

app = cyclopts.App(name="diff", help="Say what changed between two architectures.")


@app.default
def diff(
    first: str, second: str | None = None, /, *, code: Annotated[bool, cyclopts.Parameter(negative="")] = False
) -> int:
    """Say what changed between two architectures and why, from what their files say of themselves.

    Parameters
    ----------
    first
        An architecture; `headway models` lists them.
    second
        Another. Left out, FIRST is compared with the one it follows.
    code
        Show the difference of the two files instead.
    """

    if second is None:
        before = entry(first).follows
        if before is None:
            raise HeadwayError(f"{first} follows no other architecture in the list: name a second one.")
        first, second = before, first
    one, two = entry(first), entry(second)
    if one == two:
        raise HeadwayError(f"{first} and {second} are the same architecture: name two.")
    with paged():
        if code:
            _code(one, two)
        else:
            _notes(one, two)
    return 0


def _notes(one, two) -> None:
    console, a, b = out(), told(one), told(two)
    console.print(f"[bold]{one.title}[/bold] -> [bold]{two.title}[/bold]\n")
    path = chain(two.name)
    if one.name in path:
        between = path[path.index(one.name) + 1 :]
        for name in between:
            console.print(told(CATALOG[name]).against + "\n", markup=False)
    table = Table(padding=(0, 1), header_style="dim", border_style="dim", show_lines=True)
    table.add_column("part", style="cyan", no_wrap=True)
    table.add_column(one.name, ratio=1)
    table.add_column(two.name, ratio=1)
    same = []
    for part in dict.fromkeys([*a.notes, *b.notes]):
        left, right = a.notes.get(part, "-"), b.notes.get(part, "-")
        if left == right:
            same.append(part)
        else:
            table.add_row(part, left, right)
    console.print(table)
    if same:
        console.print(f"the same in both: {', '.join(same)}")
    console.print(
        f"\n[dim]{a.path}\n{b.path}[/dim]\n`headway diff {one.name} {two.name} --code` shows the files' difference."
    )


def _code(one, two) -> None:
    a, b = told(one).path, told(two).path
    lines = difflib.unified_diff(
        lines_of(a.read_text(encoding="utf-8")),
        lines_of(b.read_text(encoding="utf-8")),
        a.name,
        b.name,
        lineterm="",
    )
    text = "\n".join(lines)
    console = out()
    console.print(
        Syntax(text, "diff", background_color="default", word_wrap=True) if console.is_terminal else text, markup=False
    )

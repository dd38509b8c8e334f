"""``headway models``: every architecture, its papers, forms and formats, and what can run right now."""

from __future__ import annotations

import textwrap

import cyclopts
from rich.table import Table
from rich.text import Text

from headway import zoo
from headway.base.console import out, paged, under
from headway.cli.shared.architectures import chain, told
from headway.learn.path import the_path
from headway.models.catalog import CATALOG, entry
from headway.models.sizes import sizes

app = cyclopts.App(name="models", help="List every architecture, or show one.")


BESIDE = {"whisper": ("CTranslate2",), "vit": ("ONNX",)}
"""Formats of one architecture alone."""


@app.default
def models(name: str | None = None, /) -> int:
    """List every architecture with its papers, its forms, the formats it loads and what runs right now; or show one.

    Parameters
    ----------
    name
        An architecture: shows its papers, sizes, notes and file.
    """

    with paged():
        if name is None:
            _list()
        else:
            _show(entry(name))
    return 0


def _list() -> None:

    ready = zoo.ready()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("name", "parameters", "paper"):
        table.add_column(column, no_wrap=column != "paper")
    for item in CATALOG.values():
        formats = [
            "Hugging Face" if item.hf else "our own format",
            *(["GGUF"] if item.gguf else []),
            *BESIDE.get(item.name, ()),
        ]
        about = f"[dim]{', '.join(item.forms)}; loads {', '.join(formats)}[/dim]"
        if now := ready.get(item.name):
            about += f"\nrun [cyan]{', '.join(now)}[/cyan]"
        paper = _paper(item.papers[0]) if item.papers else ""
        table.add_row(f"[bold cyan]{item.name}[/bold cyan]", _range(item), f"{paper}\n{about}" if paper else about)
    out().print(table)
    out().print("\n`headway models NAME` shows one, with its sizes; `headway diff A B` says what changed between two.")


def _show(item) -> None:
    console, file = out(), told(item)
    console.print(f"[bold]{item.title}[/bold]  {file.summary.removeprefix(f'{item.title}: ')}\n")
    for key in item.papers:
        under(Text("  "), Text.from_markup(_paper(key, whole=True)))
    console.print()
    for line in file.flow:
        # A line that is too long goes on further in; its own gaps stay.
        for part in textwrap.wrap(line, max(20, console.width - 2), subsequent_indent=" " * 8, break_long_words=False):
            console.print(Text(f"  {part}"), soft_wrap=True)
    under(Text("  "), Text(f"headway look {item.name} --diagram draws it, from a run of the model itself", style="dim"))
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
    for part, note in file.notes.items():
        table.add_row(f"[dim]{part}[/dim]", note)
    console.print(table)
    console.print("\n  [dim]sizes from the papers and released configurations[/dim]")
    for name, count in sizes()[item.name].items():
        console.print(f"  {name:<22} {count:>16,} parameters")
    console.print()
    now = zoo.ready().get(item.name, [])
    for label, text in (
        ("forms", f"{', '.join(item.forms)}{', each proved equal to the others' if len(item.forms) > 1 else ''}"),
        ("loads", ", ".join((*item.hf, *BESIDE.get(item.name, ()))) or "our own checkpoints"),
        ("runs now", ", ".join(f"headway run {name}" for name in now) or "nothing on this disk"),
        ("path", " -> ".join(chain(item.name))),
        ("file", str(file.path)),
    ):
        under(Text(f"  {label:<10}", style="dim"), Text(text))


def _paper(key: str, *, whole: bool = False) -> str:
    paper = the_path().papers.get(key)
    if paper is None:
        return key
    if whole:
        return f"{paper.short}, [italic]{paper.title}[/italic]" + (f", {paper.link}" if paper.link else "")
    return paper.short + (f" ({paper.arxiv})" if paper.arxiv else "")


def _range(item) -> str:
    """The smallest and the largest of the sizes in the file: ``135M to 69B``."""
    counts = sorted(set(sizes()[item.name].values()))
    return " to ".join(_short(count) for count in (counts if len(counts) < 2 else (counts[0], counts[-1])))


def _short(count: int) -> str:
    for size, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= size * 0.9995:
            return f"{count / size:.3g}{letter}"
    return str(count)

"""``headway claims``: the claims with their verdicts and cost; ``headway claims show NAME``: one of them in full."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.markup import escape
from rich.text import Text

from headway.base.console import out as answers
from headway.base.console import paged, under
from headway.base.errors import HeadwayError, did_you_mean
from headway.claims import shelf
from headway.claims.catalog import CATALOG, check_name, get, module_of
from headway.claims.code import fingerprints
from headway.claims.run import described
from headway.cli.reproduce import show as show_result
from headway.learn.path import the_papers

app = App(name="claims", help="List the papers' claims with cost and verdicts, or show one.")


@app.default
def claims(
    name: Annotated[str | None, Parameter(help="A claim: shows it, as headway claims show does.")] = None,
    /,
    *,
    topic: Annotated[str | None, Parameter(help="Only the claims of this topic.")] = None,
) -> int:
    """List every claim: what it says, whose it is, what it costs on one core, the verdict that came with Headway and yours.
    Or show one."""
    with paged():
        return _list(topic) if name is None else show(name)


def _list(topic: str | None) -> int:
    """Every claim, or those of a topic."""

    topics = sorted({entry.topic for entry in CATALOG.values()})
    if topic is not None and topic not in topics:
        raise HeadwayError(
            f"no claim belongs to '{topic}'.{did_you_mean(topic, topics)} Topics with claims: {', '.join(topics)}."
        )
    home, console = shelf.home(), answers()
    for name, entry in CATALOG.items():
        if topic is not None and entry.topic != topic:
            continue
        verdict, yours = _coloured(shelf.shipped(name)), shelf.yours(name, home)
        if yours is not None:
            verdict += f", {_coloured(yours)} (yours)"
        console.print(f"[bold cyan]{name:<23}[/] {entry.cost:>6}  {verdict}")
        under(Text("  "), Text(f"{entry.title}. ").append(entry.paper, style="dim"))
    console.print("\n`headway claims NAME` tells one in full, `headway reproduce NAME` runs it.")
    return 0


@app.command
def show(
    name: str, /, *, out: Annotated[Path | None, Parameter(help="The folder given to reproduce --out.")] = None
) -> int:
    """Show the claim NAME: statement, experiment, arms, control, thresholds, and the numbers, shipped and yours.

    Parameters
    ----------
    name
        A claim, as `headway claims` lists them.
    """
    shipped, console = shelf.shipped(check_name(name)), answers()
    # What a result says of its claim is what the claim's file says, and is read without the seconds that torch takes.
    about = described(get(name)) if shipped is None else shipped

    def row(heading: str, text: str) -> None:
        lines = textwrap.wrap(text, max(40, min(console.width, 110) - 12)) or [""]
        for n, line in enumerate(lines):
            console.print(f"[dim]{heading if n == 0 else '':11s}[/dim] {escape(line)}")

    console.print(f"[bold cyan]{name}[/]\n")
    for cited in about["papers"]:
        paper, where = the_papers()[cited["key"]], f", {cited['where']}" if cited["where"] else ""
        row("paper", f"{paper.who}, {paper.title}, {paper.year}, arXiv {paper.arxiv}{where}")
    row("claim", about["statement"])
    row("experiment", about["experiment"])
    for arm, facts in about["arms"].items():
        row("arm", f"{arm}: {facts['text']}{' (negative control)' if facts['control'] else ''}")
    for part in ("control", "statistic", "limits"):
        row(part, about[part])
    seeds = ", ".join(map(str, about["seeds"]))
    row("cost", f"about {about['budget_minutes']:g} CPU-minutes on one core for seeds {seeds}")
    row("settings", ", ".join(f"{key} {value}" for key, value in about["settings"].items()) or "none")
    mine = shelf.yours(name) if out is None else shelf.read(out / "result.json")
    for heading, result in (("as shipped", shipped), ("yours", mine)):
        if result is None:
            continue
        console.print(f"\n[bold]{heading}[/bold]")
        if result["code"] != fingerprints(module_of(name))[0]:
            console.print("[yellow]made by another version of this claim's code[/yellow]")
        show_result(console, result)
        where = (result["commit"] or f"headway {result['headway']}")[:12]
        console.print(f"[dim]{result['machine']['processor']}, {where}, {result['finished']}[/dim]")
    if mine is None:
        console.print(f"\n`headway reproduce {name}` runs it here.")
    return 0


def _coloured(result: dict[str, Any] | None) -> str:
    if result is None:
        return "[dim]-[/dim]"
    word = result.get("verdict", "?")
    colour = {"reproduced": "green", "contradicted": "red"}.get(word, "yellow")
    return f"[{colour}]{word}[/]"

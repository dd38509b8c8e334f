"""The graph of the path on a terminal, as a picture, and as JSON: all from the same data."""

from __future__ import annotations

import json
import sys
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from headway.base.console import out
from headway.base.errors import HeadwayError
from headway.base.files import back_up, expanded, replacing, write_text
from headway.cli.shared.drawing import WIDEST, glyphs
from headway.learn.path_graph import HALF_HEIGHT, HALF_WIDTH, STATES, PathGraph, State, arranged, trees

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.learn.path_graph import Branch, Node, Point

STYLES: dict[State, str] = {
    "done": "bold green",
    "begun": "yellow",
    "open": "",
    "skipped": "dim strike",
    "unwritten": "dim",
}
HERE = "you are here"
ENDINGS = (".png", ".svg", ".json")
OURS = "Headway: the path"
"""Stands in every file that is written, so that it is known again."""


def marks() -> dict[str, str]:
    """The sign of each state, and what the rails of the tree are made of; in ASCII where the terminal knows nothing else."""
    try:
        "✔◐○–·├└│─◀".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return {"done": "[*]", "begun": "[~]", "open": "[ ]", "skipped": "[-]", "unwritten": " . ",
                "fork": "|- ", "last": "`- ", "rail": "|  ", "none": "   ", "here": "<- "}  # fmt: skip
    return {"done": glyphs()["headway"], "begun": "◐", "open": "○", "skipped": "–", "unwritten": "·",
            "fork": "├─ ", "last": "└─ ", "rail": "│  ", "none": "   ", "here": "◀ "}  # fmt: skip


# -- on a terminal -------------------------------------------------------------------------------------------------------


def draw_graph(graph: PathGraph) -> None:
    """The topics as trees: each under the first it needs, with what it needs besides, what is there, and how far one is.

    Nothing is wider than the terminal: what is there is said in fewer words, and what else is needed gets a line of its own.
    """
    console, signs = out(), marks()
    rows = [row for tree in trees(graph) for row in _rows(tree, signs)]
    width = min(console.width, WIDEST) if console.is_terminal else 10_000
    left_width = max((len(head) for head, _, _ in rows), default=0)
    console.print(Text(summary(graph), style="dim"), soft_wrap=not console.is_terminal)
    console.print()
    for head, branch, under in rows:
        node = branch.node
        room = max(width - left_width - 2, 0)
        here = f"{signs['here']}{HERE}" if node.here else ""
        said = _said(node, room - (len(here) + 2 if here else 0))
        also = f"also needs {', '.join(branch.also)}" if branch.also else ""
        line = Text(head[: -len(node.id)], style="dim").append(node.id, style=STYLES[node.state] or "default")
        at = len(head) - len(node.id) - len(signs[node.state]) - 1
        line.stylize(STYLES[node.state].replace(" strike", "") or "default", at, at + len(signs[node.state]))
        line.append(" " * (left_width + 2 - len(head)))
        if here:
            line.append(here, style="bold cyan").append("  " if said else "")
        line.append(said, style="dim")
        beside = also and line.cell_len + 2 + len(also) <= width
        if beside:
            line.append(f"  {also}", style="cyan")
        line.rstrip()
        line.truncate(width, overflow="ellipsis")
        console.print(line, no_wrap=True, crop=False, overflow="ignore")
        if also and not beside:
            for part in textwrap.wrap(
                also, max(width - len(under), 12), subsequent_indent="  ", break_on_hyphens=False
            ):
                more = Text(under, style="dim").append(part, style="cyan")
                more.truncate(width, overflow="ellipsis")
                console.print(more, no_wrap=True, crop=False, overflow="ignore")
    console.print()
    legend = Text("", style="dim")
    for state in graph.counts():
        style = STYLES[state].replace(" strike", "")
        legend.append(f"{signs[state]} ", style=style).append(f"{STATES[state]}   ")
    console.print(legend, soft_wrap=not console.is_terminal)


def summary(graph: PathGraph) -> str:
    """``25 topics: 2 done, 1 begun, 7 open, 15 not written yet``."""
    words: dict[State, str] = {"unwritten": "not written yet"}
    parts = [f"{count} {words.get(state, state)}" for state, count in graph.counts().items()]
    return f"{len(graph.nodes)} topics: {', '.join(parts)}"


def _rows(tree: Branch, signs: dict[str, str], before: str = "", own: str = "") -> Iterable[tuple[str, Branch, str]]:
    """Each topic of a tree: the line up to its name, the topic, and what stands before a further line of it."""
    rail = before + (signs["rail"] if own == signs["fork"] else signs["none"] if own else "")
    under = rail + (signs["rail"] if tree.below else signs["none"])
    yield f"{before}{own}{signs[tree.node.state]} {tree.node.id}", tree, under
    for branch in tree.below:
        own = signs["last"] if branch is tree.below[-1] else signs["fork"]
        yield from _rows(branch, signs, rail, own)


def _said(node: Node, room: int) -> str:
    """What is there in a topic, in as many words as there is room for."""
    counted = [part for part in node.parts if "/" in part]
    for parts in (node.parts, [part for part in node.parts if "lesson" not in part], counted, counted[:1]):
        if len(text := ", ".join(parts)) <= room:
            return text
    return ""


# -- in a file -----------------------------------------------------------------------------------------------------------


def ending(path: Path) -> Path:
    """`path`, where a picture or JSON can be written there. Raises HeadwayError where not: before anything is drawn."""
    path = expanded(path)
    if path.is_dir():
        raise HeadwayError(f"{path} is a folder: give a file, such as {path / 'path.png'}.")
    if path.suffix.lower() not in ENDINGS:
        raise HeadwayError(f"-o takes a file that ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}, not {path.name}.")
    if not path.parent.is_dir():
        raise HeadwayError(f"there is no folder {path.parent} to write {path.name} into.")
    return path


def write_graph(graph: PathGraph, path: Path) -> Path | None:
    """The graph as a picture, or as JSON, by the ending of `path` (see `ending`); the file is whole or as it was.

    A file that is there already and was not drawn here is kept under another name, which is returned.
    """
    kept = back_up(path) if path.exists() and OURS.encode() not in path.read_bytes() else None
    if path.suffix.lower() == ".json":
        write_text(path, json.dumps({"what": OURS, **graph.facts()}, indent=1, ensure_ascii=False) + "\n")
    else:
        _draw_picture(graph, path)
    return kept


def _draw_picture(graph: PathGraph, path: Path) -> None:
    from matplotlib import rc_context  # slow to import: only for a picture
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({"font.size": 10, "svg.fonttype": "none", "svg.hashsalt": "headway"}):
        found = arranged(graph)
        columns, rows = found.size
        wide, high = max(columns * _COLUMN, 8.0), rows * _ROW + 1.1
        figure = Figure(figsize=(wide, high), dpi=110, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(-0.5, wide / _COLUMN - 0.5)
        axes.set_ylim(rows - 0.4 + 0.3 / _ROW, -0.6 - 0.7 / _ROW)
        for (_, needing), route in found.routes.items():
            _line(axes, route, dim=graph.nodes[needing].state == "unwritten")
        for name, place in found.places.items():
            _box(axes, graph.nodes[name], place)
        top = -0.6 - 0.3 / _ROW
        axes.text(-HALF_WIDTH, top, "The path", fontsize=15, weight="bold", va="center", color=_INK)
        axes.text(-HALF_WIDTH + 0.5, top, summary(graph), fontsize=10, va="center", color=_GREY)
        _legend(axes, graph, top, wide / _COLUMN - 0.5)
        form = path.suffix.lower().lstrip(".")
        metadata = {"Title": OURS} | ({"Software": None} if form == "png" else {"Date": None, "Creator": None})
        with replacing(path) as temporary:
            figure.savefig(temporary, format=form, metadata=metadata)


_COLUMN, _ROW = 2.45, 0.82
"""Inches between the middles of two columns, and of two rows."""
_INK, _GREY, _HERE = "#222222", "#666666", "#D55E00"
_FILL: dict[State, tuple[str, str, str]] = {
    "done": ("#009E73", "#009E73", "white"),
    "begun": ("#FFF3C4", "#E69F00", _INK),
    "open": ("white", "#0072B2", _INK),
    "skipped": ("#EEEEEE", "#999999", _GREY),
    "unwritten": ("white", "#BBBBBB", _GREY),
}
"""State -> colours of the box, its edge, its words (Okabe and Ito's palette); a dashed edge is not written yet."""


def _box(axes, node: Node, place: Point) -> None:
    from matplotlib.patches import FancyBboxPatch

    (x, y), (fill, edge, ink) = place, _FILL[node.state]
    axes.add_patch(
        FancyBboxPatch(
            (x - HALF_WIDTH, y - HALF_HEIGHT),
            2 * HALF_WIDTH,
            2 * HALF_HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=fill,
            edgecolor=_HERE if node.here else edge,
            linewidth=3 if node.here else 1.4,
            linestyle="--" if node.state == "unwritten" and not node.here else "-",
            zorder=3,
        )
    )
    title = textwrap.wrap(node.title, 21)
    told: list[str] = []
    for part in node.parts:
        if "lesson" in part:
            continue
        if told and len(told[-1]) + 2 + len(part) <= 30:
            told[-1] += f", {part}"
        else:
            told.append(part)
    lines = [(line, 9.0, "bold") for line in title[:2]] + [(line, 7.0, "normal") for line in told[:2]]
    heights = [size / 72 * 1.25 / _ROW for _, size, _ in lines]
    at = y - sum(heights) / 2
    for (line, size, weight), height in zip(lines, heights, strict=True):
        axes.text(x, at + height / 2, line, fontsize=size, weight=weight, color=ink, ha="center", va="center", zorder=4)
        at += height
    if node.here:
        axes.text(
            x - HALF_WIDTH,
            y - HALF_HEIGHT - 0.02,
            HERE,
            fontsize=7.5,
            weight="bold",
            color=_HERE,
            va="bottom",
            zorder=5,
        )


def _line(axes, route: list[Point], dim: bool) -> None:
    """A line along `route`: curves between columns, level past them, an arrow's head at the end."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Outline

    points, codes = [route[0]], [Outline.MOVETO]
    for n, ((x, y), (to_x, to_y)) in enumerate(pairwise(route)):
        if n % 2:  # past a column
            points.append((to_x, to_y))
            codes.append(Outline.LINETO)
        else:
            middle = (x + to_x) / 2
            points += [(middle, y), (middle, to_y), (to_x, to_y)]
            codes += [Outline.CURVE4] * 3
    axes.add_patch(
        FancyArrowPatch(
            path=Outline(points, codes),
            arrowstyle="-|>,head_length=4,head_width=2",
            color="#C4C4C4" if dim else "#8A8A8A",
            linewidth=1.1,
            shrinkA=0,
            shrinkB=0,
            zorder=1,
        )
    )


def _legend(axes, graph: PathGraph, y: float, right: float) -> None:
    """The states that occur, from the right end of the head line."""
    from matplotlib.patches import FancyBboxPatch

    x = right - 0.15
    for state in reversed(list(graph.counts())):
        fill, edge, _ = _FILL[state]
        words = STATES[state]
        x -= len(words) * 0.029 + 0.2
        axes.add_patch(
            FancyBboxPatch(
                (x, y - 0.09), 0.1, 0.18, boxstyle="round,pad=0,rounding_size=0.02", facecolor=fill, edgecolor=edge,
                linewidth=1.2, linestyle="--" if state == "unwritten" else "-",
            )
        )  # fmt: skip
        axes.text(x + 0.13, y, words, fontsize=9, va="center", color=_GREY)

"""The picture of a claim: the statement above, the arms in the middle, the verdict below. No window, no global state."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.base.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from headway.claims.base import Claim, Seed

# Okabe and Ito's palette: told apart by the colour-blind too.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
    "#222222",
)
COLOURS = {"reproduced": GREEN, "contradicted": RED, "not at this scale": ORANGE, "undecided": "#777777"}


def save(claim: Claim, seeds: dict[int, Seed], result: dict[str, Any], path: Path) -> None:
    """Draw `claim` into a PNG at `path`, atomically."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = {
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#e6e6e6",
        "axes.axisbelow": True,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
    }
    with rc_context(style):
        figure = Figure(figsize=(9.6, 5.4), dpi=110)
        FigureCanvasAgg(figure)
        figure.subplots_adjust(left=0.08, right=0.97, top=0.80, bottom=0.20, wspace=0.28)
        claim.draw(figure, seeds)
        lines = textwrap.wrap(claim.statement, 92)
        figure.text(0.02, 0.975, "\n".join(lines[:3]), fontsize=11.5, weight="bold", va="top")
        paper = claim.papers[0].paper
        figure.text(0.98, 0.035, f"{paper.short}, arXiv {paper.arxiv}", fontsize=8.5, color="#666666", ha="right")
        word = result["verdict"]
        figure.text(
            0.02, 0.035, f" {word} ", fontsize=11, weight="bold", color="white",
            bbox={"facecolor": COLOURS[word], "edgecolor": "none", "boxstyle": "round,pad=0.3"},
        )  # fmt: skip
        figure.text(
            0.24,
            0.035,
            f"{len(seeds)} seeds, {result['cpu_seconds']:.{1 if result['cpu_seconds'] < 10 else 0}f} CPU-seconds",
            fontsize=8.5,
            color="#666666",
        )
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": None})


def band(axes: Axes, x: Sequence[float], rows: Sequence[Sequence[float]], colour: str, label: str, **how: Any) -> None:
    """One line per arm: the mean over seeds, and a thin line for each seed so that nothing hides behind the mean."""
    rows = [[y if math.isfinite(y) else math.nan for y in row] for row in rows]
    for row in rows:
        axes.plot(x, row, color=colour, alpha=0.25, linewidth=0.8)
    mean = [sum(column) / len(column) for column in zip(*rows, strict=True)]
    axes.plot(x, mean, color=colour, label=label, **how)


def dots(axes: Axes, names: Sequence[str], rows: Sequence[Sequence[float]], colours: Sequence[str]) -> None:
    """A column of dots per arm, one dot per seed, with a bar at the mean."""
    for at, (row, colour) in enumerate(zip(rows, colours, strict=True)):
        finite = [y for y in row if math.isfinite(y)]
        spread = [at + 0.24 * (i / max(1, len(finite) - 1) - 0.5) for i in range(len(finite))]
        axes.scatter(spread, finite, color=colour, s=26, alpha=0.8, zorder=3)
        if finite:
            axes.hlines(sum(finite) / len(finite), at - 0.28, at + 0.28, color=colour, linewidth=2.2)
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.grid(axis="x", visible=False)

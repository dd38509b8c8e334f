"""The curves of runs, as a PNG. No window, no global state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headway.base.files import replacing

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#222222", "#F0E442")
"""Okabe and Ito's palette: told apart by the colour-blind too."""


def draw_runs(runs: Sequence[tuple[str, Sequence[dict[str, Any]]]], path: Path, *, over: str = "step") -> None:
    """Draw the losses of `runs`, (name, rows of metrics) each: thin while training, dotted where held out.

    Args:
        over: "step", "tokens" or "seconds".
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
             "grid.color": "#e6e6e6", "axes.axisbelow": True, "legend.frameon": False}  # fmt: skip
    with rc_context(style):
        figure = Figure(figsize=(8, 4.5), dpi=110)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.08, 0.11, 0.9, 0.85))
        for n, (name, rows) in enumerate(runs):
            colour = COLOURS[n % len(COLOURS)]
            styles: list[tuple[str, str, dict[str, Any]]] = [
                ("loss", name if len(runs) > 1 else "training", {"linewidth": 1.0, "alpha": 0.55}),
                ("held_out", f"{name}, held out" if len(runs) > 1 else "held out", {"marker": "o", "markersize": 4}),
            ]
            for key, label, how in styles:
                points = [
                    (row[over], row[key])
                    for row in rows
                    if isinstance(row.get(key), float) and row.get(over) is not None
                ]
                if points:
                    axes.plot(*zip(*points, strict=True), color=colour, label=label, **how)
        axes.set_xlabel(over)
        axes.set_ylabel("loss, nats per token")
        if axes.has_data():
            axes.legend()
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": None})

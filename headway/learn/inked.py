"""A matplotlib figure as a drawing that belongs to the page: its ink is the colour of the text around it, in light and dark."""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING, Any

import marimo as mo

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, RUST, GREY = "#4a86c5", "#c8683a", "#8a909a"
"""Colours that can be told apart and read on white and on near black."""


def inked(alt: str, *figures: Figure) -> Any:
    """Figures as SVG, without a background of their own; several stand beside each other, and below each other on a phone.

    `alt` describes them to those who do not see them. For lines, bars and points; where numbers stand on coloured ground,
    `drawn` of `headway.learn.lesson` leaves all colours as they are. Black becomes the colour of the text around it. Letters
    stay letters, so a figure about 5 inches wide, or two of 2.9, can be read at a phone's width. Each figure is closed: it
    cannot be drawn on afterwards.
    """
    from matplotlib import pyplot, rc_context

    parts = []
    for figure in figures:
        buffer = io.StringIO()
        with rc_context({"svg.fonttype": "none"}):
            figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
        svg = buffer.getvalue()
        svg = svg[svg.index("<svg") :].replace("#000000", "currentColor")
        style = 'style="max-width:100%;height:auto;fill:currentColor;color:inherit" aria-hidden="true"'
        parts.append(svg.replace("<svg", f"<svg {style}", 1))
    row = "display:flex;flex-wrap:wrap;justify-content:center;gap:0.5rem 1rem;margin-block:0.5rem"
    told = html.escape(alt)
    return mo.Html(f'<div class="hw-inked" role="img" aria-label="{told}" style="{row}">{"".join(parts)}</div>')

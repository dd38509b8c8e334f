"""What is loaded before the first page is asked for: the modules that lessons use, and marimo's own machinery.

Loading torch and matplotlib takes seconds; a reader who has the page before them should not wait for that.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path

from headway.learn.path import Topic
from headway.learn.shelf import written


def modules_of(file: Path) -> Iterator[str]:
    """The modules that a lesson imports anywhere, by name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def warm(topic: str | None, *, looks: bool = False) -> None:
    """Load what the lessons use, that of `topic` first, and run one tiny notebook so that marimo has loaded its own parts.

    With `looks`, what the page of ``headway look`` uses, in their place.
    """
    import marimo as mo
    import matplotlib

    matplotlib.use("Agg")  # the server has no window to draw into
    first = sorted(written(), key=lambda each: each.id != topic)
    modules = ["headway.web.looks"] if looks else [name for each in first for name in _safe_modules(each)]
    for module in dict.fromkeys(modules):
        # What cannot be loaded is said where it is needed, in the lesson's own cell.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    _draw_once()
    app = mo.App()

    @app.cell
    def _():
        mo.md("*warm* $x$")
        return

    with contextlib.suppress(Exception):
        app.run()


def _safe_modules(topic: Topic) -> list[str]:
    assert topic.lesson_file is not None
    with contextlib.suppress(OSError, SyntaxError):
        return list(modules_of(topic.lesson_file))
    return []


def _draw_once() -> None:
    """The first figure of a process finds and reads the fonts."""
    import io

    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1))
    figure.subplots().set_title("warm")
    figure.savefig(io.BytesIO(), format="png")

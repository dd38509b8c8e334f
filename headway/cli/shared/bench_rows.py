"""What ``headway bench rows`` prints and keeps: every architecture against `transformers`, a line each."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from headway.base.console import out
from headway.cli.shared.measuring import machine_line, progress, ready, write
from headway.evals.request import ROW_NAMES, one_of
from headway.zoo import dtype_name


def rows(name: str | None, *, dtype: str, rounds: int, threads: int | None, json: Path | None) -> int:
    """Measure the row called `name`, or all; the file is written after each. 1 where Headway is not ahead somewhere."""
    if name is not None:
        one_of("row", name, ROW_NAMES)
    number = dtype_name(dtype)

    import torch

    from headway.evals.rows import BATCH, DECODED, LAYERS, LENGTH, measure
    from headway.evals.speed import machine

    names = [name] if name else ROW_NAMES
    warning = ready(threads)
    facts = machine()
    about = {"bench": "rows", "dtype": number, "rounds": rounds}
    about |= {"layers": LAYERS, "batch": BATCH, "length": LENGTH, "decoded": DECODED}
    table = Table(box=None, padding=(0, 2, 0, 0), title="Headway over transformers", title_justify="left")
    for heading in ("", "forward", "train", "decode"):
        table.add_column(heading, justify="left" if not heading else "right")
    found = {}
    with progress("rows", len(names)) as tell:
        for n, one in enumerate(names):
            found[one] = measure(one, rounds=rounds, dtype=getattr(torch, number))
            cells = [found[one].get(kind) for kind in ("forward", "train", "decode")]
            table.add_row(one, *(f"{cell['ratio']:.2f}x" if cell else "" for cell in cells))
            if json is not None:
                write(json, {**about, "machine": facts, "rows": found})
            tell(n)
    out().print(table)
    machine_line(facts, warning)
    return 0 if all(kind["ratio"] > 1 for row in found.values() for kind in row.values()) else 1

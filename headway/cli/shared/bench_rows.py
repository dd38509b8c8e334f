"""What ``headway bench rows`` prints and keeps: every architecture against `transformers`, a line each."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from headway.base.console import out
from headway.cli.shared.measuring import machine_line, progress, write
from headway.zoo import parse_dtype


def rows(name: str | None, *, dtype: str | None, rounds: int, threads: int | None, json: Path | None) -> int:
    """Measure the row called `name`, or all; the file is written after each. 1 where Headway is not ahead somewhere."""
    import torch

    from headway.evals.rows import BATCH, DECODED, LAYERS, LENGTH, chosen, measure
    from headway.evals.speed import busy, machine

    names = chosen([name] if name else [])
    if threads is not None:
        torch.set_num_threads(threads)
    number = parse_dtype(dtype or "float32") or torch.float32
    facts, warning = machine(), busy()
    about = {"bench": "rows", "dtype": str(number).removeprefix("torch."), "rounds": rounds}
    about |= {"layers": LAYERS, "batch": BATCH, "length": LENGTH, "decoded": DECODED}
    table = Table(box=None, padding=(0, 2, 0, 0), title="Headway over transformers", title_justify="left")
    for heading in ("", "forward", "train", "decode"):
        table.add_column(heading, justify="left" if not heading else "right")
    found = {}
    with progress("rows", len(names)) as tell:
        for n, one in enumerate(names):
            found[one] = measure(one, rounds=rounds, dtype=number)
            cells = [found[one].get(kind) for kind in ("forward", "train", "decode")]
            table.add_row(one, *(f"{cell['ratio']:.2f}x" if cell else "" for cell in cells))
            if json is not None:
                write(json, {**about, "machine": facts, "rows": found})
            tell(n)
    out().print(table)
    machine_line(facts, warning)
    return 0 if all(kind["ratio"] > 1 for row in found.values() for kind in row.values()) else 1

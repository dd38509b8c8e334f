"""How many parameters the presets of every architecture have: read from a table, counted only to make it.

    python -m headway.models.sizes

counts them again, on models without memory for their weights, and writes ``sizes.toml``; a test holds every number against the
model. A table is there because counting needs PyTorch and builds every model: seconds, where a list has to come at once.
"""

from __future__ import annotations

import functools
import importlib
import sys
import tomllib
from pathlib import Path

from headway.base.files import write_text
from headway.models.catalog import CATALOG

TABLE = Path(__file__).with_suffix(".toml")


@functools.cache
def sizes() -> dict[str, dict[str, int]]:
    """Architecture -> its presets, in the order of its file -> parameters, a tied one counted once. Imports no torch."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def counted(name: str) -> dict[str, int]:
    """The presets of the architecture called `name` and how many parameters each has, counted on the models themselves."""
    from headway.blocks.hollow import hollow

    model, _ = CATALOG[name].load()
    found = {}
    for preset, config in importlib.import_module(f"headway.models.{name}").PRESETS.items():
        with hollow():
            found[preset] = sum(weight.numel() for weight in model(config).parameters())
    return found


def main() -> int:
    """Write the table anew, in the order of the catalogue."""
    lines = ["# Parameters of every preset; written by `python -m headway.models.sizes`.\n"]
    for name in CATALOG:
        lines.append(f"\n[{name}]\n")
        lines += [f'"{preset}" = {count:_}\n' for preset, count in counted(name).items()]
    write_text(TABLE, "".join(lines))
    print(TABLE)
    return 0


if __name__ == "__main__":
    sys.exit(main())

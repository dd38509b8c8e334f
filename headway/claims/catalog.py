"""Every claim by name, with what a list of them shows. Reading this table imports no torch and no claim."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway.base.errors import HeadwayError, did_you_mean

if TYPE_CHECKING:
    from headway.claims.base import Claim


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of the list: the claim in a few words, whose it is, its topic, and its cost in CPU-minutes on one core."""

    title: str
    paper: str
    topic: str
    minutes: float

    @property
    def cost(self) -> str:
        """``20 s`` or ``7 min``."""
        return f"{max(1, round(self.minutes * 60))} s" if self.minutes < 1 else f"{self.minutes:.0f} min"


CATALOG: dict[str, Entry] = {
    "pre-ln": Entry(
        title="Post-LN needs warm-up and Pre-LN does not; Pre-LN's last gradients shrink with depth",
        paper="Xiong et al. 2020",
        topic="layer-norm",
        minutes=7,
    ),
}


def get(name: str) -> Claim:
    """Import the claim called `name`."""
    if name not in CATALOG:
        known = list(CATALOG)
        raise HeadwayError(
            f"there is no claim '{name}'.{did_you_mean(name, known)} `headway claims` lists all {len(known)}."
        )
    return importlib.import_module(f"headway.claims.{name.replace('-', '_')}").CLAIM

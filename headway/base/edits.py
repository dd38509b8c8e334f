"""Changes to a model for the length of one look, and how a command line writes them; no tensor is touched here.

As words, for the command line (`parse`):

    3            layer 3 off: what comes in goes out
    3.attention  its attention (or mixer) adds nothing
    3.mlp        its MLP adds nothing
    3.2          head 2 of its attention passes nothing on
    3.mlp.120=0  neuron 120 of its MLP times 0
    norm=post    every norm after the sum, as in 2017; norm=none for no norms
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from headway.base.errors import HeadwayError

Part = Literal["layer", "attention", "cross", "mlp"]
PARTS: dict[str, Part] = {"attention": "attention", "cross": "cross", "mlp": "mlp"}


@dataclass(frozen=True)
class Off:
    """A part that adds nothing to the stream.

    Attributes:
        layer: The number of the block, counted from 0, or its name (``decoder.2``).
        part: ``layer`` for all of it, ``attention`` (a mixer or retention as well), ``cross`` or ``mlp``.
        head: One head of its attention only.
    """

    layer: int | str
    part: Part = "layer"
    head: int | None = None

    def __str__(self) -> str:
        what = f"layer {self.layer}"
        if self.head is not None:
            return f"head {self.head} of {'the cross-attention of ' if self.part == 'cross' else ''}{what} off"
        return f"{what} off" if self.part == "layer" else f"{self.part} of {what} off"


@dataclass(frozen=True)
class Scale:
    """A neuron of an MLP, times `by`: one entry of what its last matrix reads."""

    layer: int | str
    neuron: int
    by: float

    def __str__(self) -> str:
        return f"neuron {self.neuron} of layer {self.layer} times {self.by:g}"


@dataclass(frozen=True)
class Norm:
    """Every norm of the blocks after its sum (``post``), or none at all (``none``)."""

    where: Literal["post", "none"]

    def __str__(self) -> str:
        return "norms after the sums" if self.where == "post" else "no norms in the blocks"


@dataclass(frozen=True)
class Patch:
    """The stream after a layer, at one position, as it is on another input, on which the model runs unchanged.

    Attributes:
        layer: After which block.
        position: Which token, counted from 0; negative ones from the end.
        source: The other input; where a model takes two (see `feed`), a pair.
    """

    layer: int | str
    position: int
    source: Any

    def __str__(self) -> str:
        return f"after layer {self.layer}, token {self.position} is that of {self.source!r}"


@dataclass(frozen=True)
class Own:
    """The functions of the learner's file in the place of ours."""

    path: Path | str

    def __str__(self) -> str:
        return f"with {self.path}"


Edit = Off | Scale | Norm | Patch | Own


def parse(text: str) -> Edit:
    """An edit from its words, as at the top of this file.

    Raises:
        HeadwayError: words that are none.
    """
    plain = text.strip()
    if found := re.fullmatch(r"norm\s*=\s*(post|none)", plain):
        return Norm("post" if found[1] == "post" else "none")
    layer, number = r"((?:[a-z]\w*\.)*\d+)", r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
    found = re.fullmatch(rf"{layer}\.mlp\.(\d+)\s*=\s*({number})", plain)
    if found and math.isfinite(by := float(found[3])):
        return Scale(_layer(found[1]), int(found[2]), by)
    if found := re.fullmatch(rf"{layer}(?:\.(attention|cross|mlp))?(?:\.(\d+))?", plain):
        layer, head = _layer(found[1]), None if found[3] is None else int(found[3])
        part = PARTS.get(found[2] or "", "layer" if head is None else "attention")
        if head is None or part != "mlp":
            return Off(layer, part, head)
    raise HeadwayError(
        f"'{text}' names nothing to change: 3 (a layer), 3.2 (its head 2), 3.attention, 3.mlp, 3.mlp.120=0 (a neuron "
        "times 0), norm=post or norm=none."
    )


def _layer(text: str) -> int | str:
    return int(text) if text.isdecimal() else text

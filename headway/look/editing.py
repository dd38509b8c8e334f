"""Changes to a model for the length of one look: a head off, a layer off, a neuron scaled, the norm moved, a memory of another
text, a function of the learner's own. The weights stay as they are, and nothing of it is left afterwards.

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

from torch import nn

from headway.base.errors import HeadwayError

MIXERS = ("attn", "cross", "retention", "mixer")
"""Names of the parts of a block in which positions exchange something."""


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


STACKS = ("blocks", "encoder", "decoder")
"""Names of the lists of blocks."""


def blocks_of(model: nn.Module) -> dict[str, nn.Module]:
    """The blocks of a model by name: ``blocks.0``, ``encoder.0``, ``vision.blocks.0`` ..., in the order of the module tree."""
    return {
        f"{name}.{child}": block
        for name, stack in model.named_modules()
        if isinstance(stack, nn.ModuleList) and name.rpartition(".")[2] in STACKS
        for child, block in stack.named_children()
    }


def block_of(model: nn.Module, layer: int | str) -> tuple[str, nn.Module]:
    """The block that an edit means; a number counts in the decoder, where there is one, else in the last stack: the texts of
    a CLIP, the language model of a LLaVA.

    Raises:
        HeadwayError: there is none.
    """
    blocks = blocks_of(model)
    if not blocks:
        raise HeadwayError(f"a {type(model).__name__} has no layers to change.")
    if isinstance(layer, str):
        if layer in blocks:
            return layer, blocks[layer]
        raise HeadwayError(f"there is no layer {layer}: the layers are {_range(list(blocks))}.")
    stacks = list(dict.fromkeys(name.rpartition(".")[0] for name in blocks))
    stack = next((name for name in stacks if name.endswith("decoder")), stacks[-1])
    own = [name for name in blocks if name.rpartition(".")[0] == stack]
    if not 0 <= layer < len(own):
        raise HeadwayError(f"there is no layer {layer}: they are counted from 0 to {len(own) - 1}.")
    return own[layer], blocks[own[layer]]


def _range(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def part_of(block: nn.Module, part: str) -> tuple[str, nn.Module]:
    """The submodule of a block that ``attention``, ``cross`` or ``mlp`` means.

    Raises:
        HeadwayError: the block has none.
    """
    wanted = {"attention": [name for name in MIXERS if name != "cross"], "cross": ["cross"], "mlp": ["mlp", "experts"]}
    for name in wanted[part]:
        if isinstance(found := getattr(block, name, None), nn.Module):
            return name, found
    has = [name for name, child in block.named_children() if any(True for _ in child.parameters())]
    raise HeadwayError(f"this layer has no {part}: it has {', '.join(has)}.")

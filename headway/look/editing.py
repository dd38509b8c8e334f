"""Changes to a model for the length of one look: a head off, a layer off, a neuron scaled, the norm moved, a memory of another
text, a function of the learner's own. The weights stay as they are, and nothing of it is left afterwards.

`headway.base.edits` has the changes and their words; here is which part of a model they mean.
"""

from __future__ import annotations

from torch import nn

from headway.base.edits import Edit, Norm, Off, Own, Patch, Scale, parse
from headway.base.errors import HeadwayError

__all__ = ["Edit", "Norm", "Off", "Own", "Patch", "Scale", "block_of", "blocks_of", "parse", "part_of"]

MIXERS = ("attn", "cross", "retention", "mixer")
"""Names of the parts of a block in which positions exchange something."""

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

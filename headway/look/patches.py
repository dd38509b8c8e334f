"""What a picture's patches look at: attention by layer and head on the picture itself, rollout, and importance.

Rollout: Abnar & Zuidema, *Quantifying Attention Flow in Transformers*, 2020 (arXiv 2005.00928), section 3: how much of what
stands at a position after some layers came from each patch, where attention and the stream that passes by it count half each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from rich.text import Text
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.look.attention import name_of_place
from headway.look.editing import Edit
from headway.look.mixing import ATTENTION, Mix
from headway.look.picture import Picture
from headway.look.telling import heading
from headway.look.tracing import Trace, trace
from headway.use.pictures import as_seen
from headway.zoo import Loaded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 1_500_000
"""Weights of single heads in one picture; of more, what each patch takes is shown as the mean of the heads."""

SHADES = " ·░▒▓█"


@dataclass(frozen=True)
class PatchLayer:
    """The attention of one layer.

    Attributes:
        place, name: The module, and which it is for people.
        first: (heads, patches): what [CLS] takes from each patch, by head.
        weights: (heads, positions, patches), or (1, positions, patches) where it is the mean of the heads: what each position
            takes from each patch. A row sums to less than 1 by what it takes from [CLS] and registers.
    """

    place: str
    name: str
    first: Float[Tensor, "h p"]
    weights: Float[Tensor, "n t p"]


@dataclass(frozen=True, kw_only=True)
class Patches(Picture):
    """What patches look at, on the picture.

    Attributes:
        pixels: The picture as the model sees it, (y, x, 3), from 0 to 1.
        grid: Rows and columns of patches.
        before: Positions in front of the patches: [CLS], and registers.
        layers: In the order in which they ran.
        rollout: (layers, patches): of what stands at [CLS] after each layer, how much came from each patch.
        flow: (positions, patches): the same after the last layer, for every position.
        importance: (y, x) in pixels, from 0 to 1, by a model with a head that makes such a map; else None.
    """

    kind = "patches"

    pixels: Float[Tensor, "y x c"]
    grid: tuple[int, int]
    before: int
    layers: tuple[PatchLayer, ...]
    rollout: Float[Tensor, "l p"]
    flow: Float[Tensor, "t p"]
    importance: Float[Tensor, "y x"] | None

    def lines(self, width: int = 100) -> list[Text]:
        """What [CLS] takes in the last layer, and what came to it through all; beside each other where both fit."""
        rows, columns = self.grid
        last = self.layers[-1]
        maps = [
            (f"[CLS] in {last.name}, mean of its heads", last.first.mean(0)),
            (f"rollout through {len(self.layers)} layers", self.rollout[-1]),
        ]
        wide = 2 * columns if 2 * columns <= width else columns
        wide, step = (wide, wide // columns) if wide <= width else (width, 1)
        found: list[Text] = []
        drawn = []
        for name, values in maps:
            grid = (values / values.max().clamp(min=1e-12)).sqrt().view(rows, columns)  # so that little is seen as well
            block = [f"{name[:wide]:<{wide}}"]
            for row in grid.tolist():
                text = "".join(SHADES[min(len(SHADES) - 1, int(value * len(SHADES)))] * step for value in row)
                block.append(f"{text[:wide]:<{wide}}")
            drawn.append(block)
        if 2 * wide + 3 <= width and all(len(name) <= wide for name, _ in maps):
            found += [Text("   ".join(pair), style="cyan") for pair in zip(*drawn, strict=True)]
        else:
            for (name, _), block in zip(maps, drawn, strict=True):
                found += [Text(name[:width]), *(Text(line, style="cyan") for line in block[1:])]
        best = int(self.rollout[-1].argmax())
        share = float(self.rollout[-1, best] / self.rollout[-1].sum())
        found.append(Text(f"most from row {best // columns}, column {best % columns}: {share:.1%} of all patches"))
        return found

    def draw(self, figure: Figure) -> None:
        """The picture, what came to [CLS] through all layers and how important what is; below, what it takes in six layers."""
        rows, columns = self.grid
        height, width = self.pixels.shape[:2]
        step = max(1, -(-len(self.layers) // 6))
        chosen = list(self.layers)[::-1][::step][::-1]
        shown: list[tuple[str, Tensor | None]] = [("what the model sees", None)]
        shown.append((f"rollout, {len(self.layers)} layers", self.rollout[-1].view(rows, columns)))
        if self.importance is not None:
            shown.append(("importance", self.importance))
        halves: Any = figure.subfigures(2, 1, height_ratios=(1.5, 1))
        top, below = halves
        for axis, (name, values) in zip(top.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
            axis.imshow(self.pixels.numpy(), extent=(0, width, height, 0))
            if values is not None:
                axis.imshow(self.pixels.mean(-1).numpy(), cmap="gray", extent=(0, width, height, 0), vmin=-0.6)
                smooth = "nearest" if values.shape == (rows, columns) else "bilinear"
                most = 1.0 if name == "importance" else None
                place = {"extent": (0, width, height, 0), "interpolation": smooth}
                axis.imshow(values.numpy(), cmap="magma", alpha=0.72, vmin=0, vmax=most, **place)
            axis.set_title(name, fontsize=9)
            axis.axis("off")
        for axis, layer in zip(below.subplots(1, len(chosen), squeeze=False)[0], chosen, strict=True):
            axis.imshow(layer.first.mean(0).view(rows, columns).numpy(), cmap="magma", vmin=0)
            axis.set_title(f"[CLS], {layer.name}", fontsize=7)
            axis.set(xticks=[], yticks=[])
        figure.suptitle(heading(self), fontsize=10)


def patches(
    loaded: Loaded,
    given: Any,
    *,
    target: Any = None,
    edits: Sequence[Edit] = (),
) -> Patches:
    """What the patches of a picture look at.

    Args:
        loaded: A ViT or DINOv2, a CLIP, or a LLaVA (of these two the tower for pictures).
        given: A picture: a file, an image, or pixels (c, y, x) as the model takes them.
        target: The question, for a LLaVA; a caption for a CLIP, or None.
        edits: What is changed for this run.

    Raises:
        HeadwayError: the model sees no pictures.
    """
    if loaded.entry.kind not in ("vision", "vision-text", "vision-decoder"):
        raise HeadwayError(f"{loaded.name} sees no pictures: a ViT, a CLIP or a LLaVA does.")
    return patches_of(trace(loaded, given, target=target, edits=edits))


def patches_of(found: Trace) -> Patches:
    """`patches`, of a run that is there already."""
    feed, n = found.feed, found.feed.before
    mixes = [mix for mix in found.mixes if mix.kind == ATTENTION and feed.of_stack(mix.place) == "picture"]
    if feed.grid is None or feed.pixels is None or not mixes:
        raise HeadwayError("no picture was looked at in this run.")
    weights = [mix.weights().float().cpu() for mix in mixes]
    many = sum(w[:, :, n:].numel() for w in weights) > MOST
    layers = tuple(_layer(mix, w, n, many) for mix, w in zip(mixes, weights, strict=True))
    through = rollout([w.mean(0) for w in weights])
    out = found.out
    makes_map = getattr(found.loaded.model.config, "map_widths", None)
    return Patches(
        title=f"{found.loaded.name}: {feed.told}",
        edits=found.told,
        pixels=as_seen(found.loaded, feed.pixels),
        grid=feed.grid,
        before=n,
        layers=layers,
        rollout=torch.stack([after[0, n:] for after in through]),
        flow=through[-1][:, n:],
        importance=out.sigmoid()[0].float().cpu() if makes_map else None,
    )


def _layer(mix: Mix, weights: Tensor, before: int, many: bool) -> PatchLayer:
    shown = weights[:, :, before:]
    return PatchLayer(mix.place, name_of_place(mix.place), shown[:, 0], shown.mean(0, keepdim=True) if many else shown)


def rollout(weights: Sequence[Float[Tensor, "t t"]]) -> list[Float[Tensor, "t t"]]:
    """After each layer, how much of what stands at each position came from each position before the first: the product of
    (A + 1) / 2 over the layers so far, with A the mean attention of the heads. Rows sum to 1."""
    found: list[Tensor] = []
    for A in weights:
        step = (A + torch.eye(len(A), dtype=A.dtype, device=A.device)) / 2
        step = step / step.sum(-1, keepdim=True)
        found.append(step @ found[-1] if found else step)
    return found

"""Attention by layer and head: which position took how much from which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jaxtyping import Bool, Float
from rich.text import Text
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.look.editing import Edit
from headway.look.mixing import ALIGNMENT, STATE, Mix
from headway.look.picture import Picture
from headway.look.telling import heading, printable
from headway.look.tracing import Trace, trace
from headway.zoo import Loaded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 4_000_000
"""Weights in one picture; of more, the last layers are shown."""


@dataclass(frozen=True)
class LayerWeights:
    """The weights of one layer.

    Attributes:
        place: The module, such as ``blocks.3.attn``.
        kind: ``attention``, ``retention``, ``state space`` or ``alignment``.
        rows, columns: Which of the picture's texts its rows (what takes) and its columns (what is taken from) are.
        groups: Heads of keys and values; each serves as many query heads.
        heads: What its matrices are: each a head, or, of a state space with a matrix for every channel, the mean size over all
            channels.
        weights: (heads, rows, columns). Of attention each row sums to 1. Implied weights have a sign and any sum.
        seen: (rows, columns): True where a row may look at all. What it may not see is not the same as a weight of 0.
        name: Which it is, for people: ``layer 3``, ``decoder 1, to the source``.
    """

    place: str
    kind: str
    rows: str
    columns: str
    groups: int
    heads: tuple[str, ...]
    weights: Float[Tensor, "h t s"]
    seen: Bool[Tensor, "t s"]
    name: str


@dataclass(frozen=True, kw_only=True)
class Attention(Picture):
    """Who looks at whom.

    Attributes:
        texts: ``text``, or ``source`` and ``target``, or ``picture`` -> what stands at each position.
        layers: In the order in which they ran.
        head: Which head of a layer is shown at first; the mean of all if None.
    """

    kind = "attention"

    texts: dict[str, tuple[str, ...]]
    layers: tuple[LayerWeights, ...]
    head: int | None = None

    @property
    def first(self) -> int:
        """The layer that is shown where none is asked for: the last that looks at another text, else the one in the middle."""
        across = [n for n, layer in enumerate(self.layers) if layer.rows != layer.columns]
        return across[-1] if across else (len(self.layers) - 1) // 2

    def lines(self, width: int = 100) -> list[Text]:
        """One layer: for each row the three columns with the largest weights, of a head or of the mean of all."""
        shown, head = self.layers[self.first], self.head
        weights = shown.weights.abs().mean(0) if head is None else shown.weights[head]
        rows, columns = self.texts[shown.rows], self.texts[shown.columns]
        which = "mean of its heads" if head is None else shown.heads[head]
        found = [Text(f"{shown.place}, {which}", style="bold")]
        wide = min(max(map(len, map(visible, rows))), 16)
        for place, (token, row) in enumerate(zip(rows, weights, strict=True)):
            line = Text(f"{place:>4} {visible(token)[:wide]:<{wide}} ")
            for at in row.abs().argsort(descending=True)[:3].tolist():
                share = float(row[at])
                if abs(share) < 0.005:
                    break
                piece = f" {visible(columns[at])[:16]} {share:.2f} "
                if line.cell_len + len(piece) < width:
                    line.append(
                        piece, style="bold cyan" if abs(share) > 0.5 else "cyan" if abs(share) > 0.15 else "dim"
                    )
            found.append(line)
        return found

    def draw(self, figure: Figure) -> None:
        """One layer: large one head, or the mean of all, with the words beside it; small every head."""
        shown, head = self.layers[self.first], self.head
        n = len(shown.heads)
        signed = bool((shown.weights < 0).any())
        if head is None:
            large = (shown.weights.abs() if signed else shown.weights).mean(0)
            which = "mean of its heads" if n > 1 else shown.heads[0]
        else:
            large, which = shown.weights[head], shown.heads[head]
        parts = figure.subfigures(1, 2, width_ratios=(1.6, 1), squeeze=False)[0] if n > 1 else [figure]
        axis = parts[0].subplots()
        _matrix(axis, large, shown)
        rows, columns = self.texts[shown.rows], self.texts[shown.columns]
        if max(len(rows), len(columns)) <= 64:
            size = 8 if max(len(rows), len(columns)) <= 24 else 5
            axis.set_xticks(
                range(len(columns)), [printable(visible(token)[:16]) for token in columns], fontsize=size, rotation=90
            )
            axis.set_yticks(range(len(rows)), [printable(visible(token)[:16]) for token in rows], fontsize=size)
        axis.xaxis.tick_top()
        axis.tick_params(length=0)
        axis.set_xlabel(f"{shown.name}, {which}", fontsize=8)
        if n > 1:
            across = max(1, math.ceil(math.sqrt(min(n, 36))))
            for place, one in enumerate(parts[1].subplots(math.ceil(min(n, 36) / across), across, squeeze=False).flat):
                one.set(xticks=[], yticks=[])
                if place >= min(n, 36):
                    one.axis("off")
                    continue
                _matrix(one, shown.weights[place], shown)
                one.set_title(shown.heads[place].removeprefix("head "), fontsize=7, pad=2)
        figure.suptitle(heading(self), fontsize=9)


def _matrix(axis: Any, weights: Float[Tensor, "t s"], layer: LayerWeights) -> None:
    """One matrix of weights. What may not be seen is grey, a weight of 0 is white."""
    signed = bool((weights < 0).any())
    top = float(weights.abs().max()) or 1.0
    hidden = ~layer.seen & (weights.abs() <= 1e-4 * top)
    drawn = weights.float().masked_fill(hidden, math.nan)
    tall = weights.shape[0] / weights.shape[1]
    axis.set_facecolor("#e4e6ea")
    axis.imshow(
        drawn.numpy() if signed else drawn.sqrt().numpy(),  # the square root, so that a tenth can still be seen
        cmap="RdBu" if signed else "Blues",
        vmin=-top if signed else 0,
        vmax=top if signed else math.sqrt(top),
        aspect="equal" if 1 / 3 < tall < 3 else "auto",
    )


def visible(token: str) -> str:
    """A token as it can be seen in a row of others: no blank in front, signs for line ends and tabs."""
    return token.replace("\n", "⏎").replace("\t", "⇥").removeprefix(" ") or "␣"


def attention(
    loaded: Loaded,
    given: Any,
    *,
    target: Any = None,
    edits: Sequence[Edit] = (),
    layers: Sequence[int] | None = None,
    head: int | None = None,
) -> Attention:
    """Attention by layer and head, on an input of yours; for retention and state spaces what their maths implies.

    Args:
        loaded: Any model of the catalogue in which positions exchange something.
        given: A text, or a picture for vision.
        target: For an encoder-decoder, what it writes; its own answer if left out.
        edits: What is changed for this run.
        layers: Which exchanges to show, counted in the order in which they run; all that fit if left out.
        head: Which head of a layer to show at first; the mean of all if left out.

    Returns:
        Attention: each layer's weights times its values are what the layer passed on.

    Raises:
        HeadwayError: nothing in the model is attention or has an implied one; or there is no such layer or head.
    """
    return of_trace(trace(loaded, given, target=target, edits=edits), layers, head)


def of_trace(found: Trace, layers: Sequence[int] | None = None, head: int | None = None) -> Attention:
    """`attention`, of a run that is there already."""
    mixes = found.mixes
    if not mixes:
        name = type(found.loaded.model).__name__
        raise HeadwayError(
            f"in a {name} no position looks at another by weights: what it remembers is a state (--decay), and --tokens and "
            "--lens show what it makes of it."
        )
    if layers is not None:
        for n in layers:
            if not -len(mixes) <= n < len(mixes):
                raise HeadwayError(f"there is no layer {n}: they are counted from 0 to {len(mixes) - 1}.")
        mixes = [mixes[n] for n in layers]
    texts = dict(found.feed.texts)
    shown: list[LayerWeights] = []
    total = 0
    for mix in reversed(mixes):
        weights, heads = _matrices(mix)
        if total + weights.numel() > MOST and shown:
            break
        total += weights.numel()
        rows, columns = _sides(mix, found)
        shown.append(
            LayerWeights(
                mix.place,
                mix.kind,
                rows,
                columns,
                mix.n_group if len(heads) > 1 else 1,
                heads,
                weights.float().cpu(),
                mix.seen().cpu(),
                name_of_place(mix.place),
            )
        )
    some = "" if len(shown) == len(mixes) else f" (the last {len(shown)} of {len(mixes)} layers)"
    title = f"{found.loaded.name}: {found.feed.told}{some}"
    picture = Attention(title=title, edits=found.told, texts=texts, layers=tuple(reversed(shown)), head=head)
    layer = picture.layers[picture.first]
    n = len(layer.heads)
    if head is not None and not 0 <= head < n:
        has = f"its heads are counted from 0 to {n - 1}" if n > 1 else "it has one, 0"
        raise HeadwayError(f"there is no head {head} in {layer.place}: {has}.")
    return picture


def name_of_place(place: str) -> str:
    """A module's name in words: ``blocks.3.attn`` is layer 3, ``decoder.1.cross`` is decoder 1, to the source."""
    *path, last = place.split(".")
    number = next((part for part in path if part.isdecimal()), None)
    if number is None:
        return place
    stack = path[path.index(number) - 1]
    side = path[0] if stack == "blocks" and path[0] != "blocks" else stack
    return f"{'layer' if side == 'blocks' else side} {number}{', to the source' if last == 'cross' else ''}"


def _matrices(mix: Mix) -> tuple[Tensor, tuple[str, ...]]:
    weights = mix.weights()
    if mix.kind == STATE and mix.name != "ssd":
        return weights.abs().mean(0, keepdim=True), (f"mean size over {weights.shape[0]} channels",)
    return weights, tuple(f"head {n}" for n in range(weights.shape[0]))


def _sides(mix: Mix, found: Trace) -> tuple[str, str]:
    """Which texts the rows and columns of an exchange are."""
    if len(found.feed.texts) == 1:
        name = next(iter(found.feed.texts))
        return name, name
    if mix.kind == ALIGNMENT or ".cross" in mix.place:
        return "target", "source"
    side = found.feed.of_stack(mix.place)
    return side, side

"""How alike texts or pictures are: the cosine of each vector with each; for a CLIP, pictures against texts, and what its softmax
makes of the cosines at any temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from rich.cells import cell_len, set_cell_size
from rich.text import Text
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.look.editing import Edit
from headway.look.feeding import Feed, feed
from headway.look.picture import Picture
from headway.look.telling import heading, printable
from headway.look.tracing import run
from headway.use.pictures import as_seen
from headway.use.texts import ids_of
from headway.use.vectors import pooling
from headway.zoo import Loaded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALL = 56
"""Pixels along the side of a picture that is shown as a name."""


@dataclass(frozen=True, kw_only=True)
class Cosines(Picture):
    """Cosines of some with others.

    Attributes:
        rows, columns: What was compared: texts, or pictures' names.
        cosines: (rows, columns).
        temperature: What a CLIP learned to multiply its cosines by before the softmax over the texts; None for other models.
        pictures: (rows, y, x, 3) from 0 to 1, small, where the rows are pictures; else None.
        same: Whether the columns are the rows once more.
    """

    kind = "likeness"

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cosines: Float[Tensor, "n m"]
    temperature: float | None = None
    pictures: Float[Tensor, "n y x c"] | None = None
    same: bool = True

    def shares(self, temperature: float | None = None) -> Float[Tensor, "n m"]:
        """The softmax over each row of the cosines times `temperature`; the model's own if None, 1 where it has none."""
        scale = temperature if temperature is not None else self.temperature or 1.0
        return (self.cosines * scale).softmax(-1)

    def lines(self, width: int = 100) -> list[Text]:
        """The table of cosines; for a CLIP with the share of each text behind its cosine."""
        found: list[Text] = []
        names = [f"{chr(65 + n % 26)}{n // 26 or ''}" for n in range(len(self.columns))]
        cell = 12 if self.temperature else 7
        wide = max(8, min(max(cell_len(one_line(row)) for row in self.rows), width - cell * min(len(names), 6) - 2))
        fits = max(1, (width - wide - 1) // cell)
        for begin in range(0, len(names), fits):
            part = range(begin, min(begin + fits, len(names)))
            found.append(Text(" " * wide + "".join(f"{names[n]:>{cell}}" for n in part), style="dim"))
            shares = self.shares()
            for r, name in enumerate(self.rows):
                line = Text(set_cell_size(one_line(name), wide))
                for n in part:
                    cosine = float(self.cosines[r, n])
                    piece = f"{cosine:.2f}" + (f" {float(shares[r, n]):4.0%}" if self.temperature else "")
                    strong = (
                        float(shares[r, n]) > 0.5 if self.temperature else cosine > 0.5 and not (self.same and n == r)
                    )
                    line.append(f"{piece:>{cell}}", style="bold cyan" if strong else "")
                found.append(line)
        found += [
            Text(set_cell_size(f"{name}  {one_line(column)}", width).rstrip(), style="dim")
            for name, column in zip(names, self.columns, strict=True)
        ]
        return found

    def draw(self, figure: Figure) -> None:
        """The matrix with its numbers, pictures beside their rows."""
        axis = figure.subplots()
        low = min(0.0, float(self.cosines.min()))
        axis.imshow(
            self.cosines.numpy(), cmap="Blues" if low > -0.05 else "RdBu", vmin=low if low > -0.05 else -1, vmax=1
        )
        axis.set_xticks(
            range(len(self.columns)),
            [printable(_short(name)) for name in self.columns],
            fontsize=8,
            rotation=25,
            ha="right",
        )
        axis.set_yticks(range(len(self.rows)), [printable(_short(name)) for name in self.rows], fontsize=8)
        shares = self.shares()
        for r in range(len(self.rows)):
            for n in range(len(self.columns)):
                cosine = float(self.cosines[r, n])
                text = f"{cosine:.2f}" + (f"\n{float(shares[r, n]):.0%}" if self.temperature else "")
                axis.text(n, r, text, ha="center", va="center", fontsize=8, color="white" if cosine > 0.55 else "black")
        axis.set_title(f"{heading(self)}: cosines" + (" and shares" if self.temperature else ""), fontsize=9)


def one_line(text: str) -> str:
    """A text in one line, signs standing for line ends and tabs."""
    return text.replace("\n", "⏎").replace("\t", "⇥")


def _short(name: str, most: int = 28) -> str:
    name = one_line(name)
    return name if len(name) <= most else name[: most - 1] + "…"


def likeness(
    loaded: Loaded, inputs: Sequence[Any], texts: Sequence[str] | None = None, *, edits: Sequence[Edit] = ()
) -> Cosines:
    """How alike inputs are to each other, or for a CLIP pictures to texts.

    Args:
        loaded: An encoder of texts (BERT, MiniLM) or of pictures (ViT, DINOv2), or a CLIP.
        inputs: Texts for the first, pictures for the second, either for a CLIP.
        texts: For a CLIP: what pictures are held against.
        edits: What is changed for this run.

    Raises:
        HeadwayError: the model makes no vectors to compare.
    """
    kind = loaded.entry.kind
    if texts is not None and kind != "vision-text":
        raise HeadwayError(f"{loaded.name} does not hold pictures against texts: CLIP does.")
    if kind not in ("encoder", "vision", "vision-text") or getattr(loaded.model.config, "map_widths", None):
        raise HeadwayError(f"{loaded.name} makes no vectors to compare: encoders of texts and of pictures do.")
    feeds = [_fed(loaded, given) for given in inputs]
    if len(feeds) < (2 if texts is None else 1) or (texts is not None and not texts):
        raise HeadwayError("there is nothing to compare: give two texts or pictures at least.")
    rows = _vectors(loaded, feeds, edits)
    others = rows if texts is None else _vectors(loaded, [_fed(loaded, text) for text in texts], edits)
    names = tuple(
        food.told.strip("'\"") if isinstance(given, str) else food.told
        for food, given in zip(feeds, inputs, strict=True)
    )
    pixels = [food.pixels for food in feeds]
    small = None
    if all(x is not None for x in pixels):
        seen = torch.stack([as_seen(loaded, x) for x in pixels if x is not None]).permute(0, 3, 1, 2)
        small = F.interpolate(seen, size=(SMALL, SMALL), mode="area").permute(0, 2, 3, 1)
    return Cosines(
        title=loaded.name,
        edits=tuple(map(str, edits)),
        rows=names,
        columns=names if texts is None else tuple(texts),
        cosines=rows @ others.T,
        temperature=float(loaded.model.temperature.detach().exp()) if texts is not None else None,
        pictures=small,
        same=texts is None,
    )


def _fed(loaded: Loaded, given: Any) -> Feed:
    if loaded.entry.kind != "encoder":
        return feed(loaded, given)
    if not isinstance(given, str):
        raise HeadwayError(f"{loaded.name} reads texts: give it texts to compare.")
    ids, how = ids_of(loaded, given), pooling(loaded.where)
    return Feed(lambda model: model.sentence(ids, how=how), given, {"text": ()}, ids[0])


def _vectors(loaded: Loaded, feeds: Sequence[Feed], edits: Sequence[Edit]) -> Float[Tensor, "n d"]:
    found = torch.cat([run(loaded, food, edits).out for food in feeds])
    return F.normalize(found.float().cpu(), dim=-1)

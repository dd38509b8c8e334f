"""An architecture drawn from the module tree of the real model, and from what it really does when it runs.

    diagram("smollm2-135m", lit=("attention",), level="block")

The same diagram grows through four levels of detail: what goes in and out, the blocks, the inside of a block, the inside of
attention.
"""

from __future__ import annotations

import functools
import html
import importlib
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rich.text import Text
from torch import nn

from headway.base.errors import HeadwayError, did_you_mean
from headway.look.layout import LABEL, SMALL, Layout, lay_out, percent, short
from headway.look.operations import Recording, entry_of, run_without_numbers
from headway.look.picture import Picture
from headway.look.wiring import Part, Wiring, wire
from headway.models.catalog import CATALOG, Entry, entry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Level = Literal["whole", "blocks", "block", "attention"]
LEVELS: tuple[Level, ...] = ("whole", "blocks", "block", "attention")
LIGHTS = ("input", "output", "embed", "position", "norm", "attention", "cross", "mlp", "mixer", "residual", "head")
"""What can be lit by kind; besides, the path of any module."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """One box.

    Attributes:
        key: What arrows call it.
        label, kind: What it is called and what it is.
        path: The module or parameter in the model; "" where it is a function or a sum.
        code: The file under headway/ and the line.
        size: Its widths, in words.
        parameters: In all repetitions of it; `each` in one.
        share: Of all parameters of the model.
        block: The first of the blocks that it is in, None if in none.
        notes: What else there is to say.
        lit: Whether it is under discussion.
        column, row: Its tower (0 or 1; 2 below both) and its row in there.
        x, y, width, height: Where it is drawn.
        texts: The lines in it, the name first.
    """

    key: str
    label: str
    kind: str
    path: str
    code: str
    size: str
    parameters: int
    each: int
    share: float
    block: str | None
    notes: tuple[str, ...]
    lit: bool
    column: int
    row: int
    x: float
    y: float
    width: float
    height: float
    texts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """What flows from one box to another.

    Attributes:
        start, end: Keys of boxes.
        what: "flow", "residual" (the stream past a sublayer), "cross" (from one tower to the other) or "back" (to the next step).
        corners: Of the line, (x, y) each.
    """

    start: str
    end: str
    what: str
    corners: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Blocks that follow each other: the first one's name, how many there are, and where the frame is drawn."""

    block: str
    times: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Diagram(Picture):
    """An architecture: boxes, arrows and frames around repeated blocks, where they stand in a drawing of `size`.

    Attributes:
        architecture: The name in the catalogue.
        level: "whole", "blocks", "block" or "attention".
        boxes, arrows, frames: In the order in which things are done.
        parameters: Of the whole model.
        unused: Parameters that the run does not touch, by module: LLaVA's vision tower stops before its last block.
        size: Width and height of the drawing.
    """

    kind: ClassVar[str] = "diagram"

    architecture: str
    level: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    frames: tuple[Frame, ...]
    parameters: int
    unused: dict[str, int]
    size: tuple[float, float]

    def svg(self) -> str:
        """The drawing as SVG: its text has the colour of the text around it, and what is lit `--hw-accent`, if that is set."""
        return _svg(self)

    def packed(self) -> dict[str, Any]:
        """`as_dict` for a browser, with the drawing and what is said of each box."""
        times = {frame.block: frame.times for frame in self.frames}
        told = {box.key: about(box, times.get(box.block or "", 1)) for box in self.boxes}
        return {**super().packed(), "drawing": self.svg(), "about": told}

    def _repr_html_(self) -> str:
        return self.svg()

    def lines(self, width: int = 100) -> list[Text]:
        """From top to bottom, a line for each box: what it is, its widths, its parameters and their share."""
        return _lines(self, width)

    def figure(self, size: tuple[float, float] | None = None) -> Figure:
        """The drawing as a matplotlib figure; `size` in inches, as large as it is read best if None."""
        width, height = self.size
        return super().figure(size or (width / 72, (height + 24) / 72))

    def draw(self, figure: Figure) -> None:
        """Draw it with matplotlib."""
        _draw(self, figure)


def diagram(
    what: nn.Module | Entry | str | Any,
    lit: tuple[str, ...] | str = ("attention",),
    *,
    level: Level = "block",
    title: str | None = None,
) -> Diagram:
    """The diagram of a model.

    Args:
        what: A model of the catalogue, built or loaded; something that has one as `model` (what `zoo.load` returns); an entry of
            the catalogue or its name; or the name of one of the sizes in a model's file ("smollm2-135m").
        lit: What is drawn lit, the rest quiet: kinds ("attention", "cross", "mlp", "norm", "embed", "position", "residual",
            "head", "mixer", "input", "output") and paths of modules ("blocks.0.attn"). Empty: everything is alike.
        level: "whole" (what goes in and out), "blocks", "block" (the inside of one) or "attention" (queries, keys, values,
            scores, softmax, sum, out; where there is no attention, the inside of the mixer).
        title: Of the picture; the architecture, its size and its count of parameters if None.

    Raises:
        HeadwayError: an unknown level, or something to light that is no kind and no module of the model.
        Unsupported: a model or a name that the catalogue does not have.
    """
    if level not in LEVELS:
        raise HeadwayError(
            f"level is one of {', '.join(LEVELS)}, not {level!r}.{did_you_mean(str(level), list(LEVELS))}"
        )
    item, config, name = _which(what)
    run = _run(item, config)
    wanted = (lit,) if isinstance(lit, str) else tuple(lit)
    modules = {path for path, _ in run.model.named_modules()} | {path for path, _ in run.model.named_parameters()}
    for light in wanted:
        if light not in LIGHTS and light not in modules:
            raise HeadwayError(
                f"there is no '{light}' to light in {item.title}: give a kind ({', '.join(LIGHTS)}) or a module's path."
                f"{did_you_mean(light, [*LIGHTS, *modules])}"
            )
    wiring, layout = _wired(item, config, level)
    boxes = tuple(_box(key, part, wiring, layout, wanted) for key, part in wiring.parts.items())
    said = f"{item.title}{f', {name}' if name else ''}: {wiring.total:,} parameters"
    return Diagram(
        title=title or said,
        architecture=item.name,
        level=level,
        boxes=boxes,
        arrows=tuple(Arrow(start=a, end=b, what=kind, corners=corners) for a, b, kind, corners in layout.arrows),
        frames=tuple(
            Frame(block=block, times=wiring.groups[block], x=x, y=y, width=width, height=height)
            for block, (x, y, width, height) in layout.frames.items()
        ),
        parameters=wiring.total,
        unused=wiring.idle,
        size=layout.size,
    )


def _which(what: Any) -> tuple[Entry, Any, str]:
    """The entry, the configuration and the size's name of what is to be drawn."""
    model = what if isinstance(what, nn.Module) else getattr(what, "model", None)
    if isinstance(model, nn.Module):
        return entry_of(model), model.config, ""
    if isinstance(what, Entry):
        item, name = what, next(iter(_presets(what)))
        return item, _presets(item)[name], name
    for item in CATALOG.values():
        # A size may be called like its architecture (GPT-2's smallest).
        if what in _presets(item):
            return item, _presets(item)[what], what
    item = entry(str(what))
    name = next(iter(_presets(item)))
    return item, _presets(item)[name], name


@functools.cache
def _presets(item: Entry) -> dict[str, Any]:
    return importlib.import_module(f"headway.models.{item.name}").PRESETS


@functools.lru_cache(maxsize=8)
def _run(item: Entry, config: Any) -> Recording:
    return run_without_numbers(item, config)


@functools.lru_cache(maxsize=32)
def _wired(item: Entry, config: Any, level: Level) -> tuple[Wiring, Layout]:
    run = _run(item, config)
    if level == "whole":
        wiring = _whole(item, wire(run, 1))
    elif level == "attention":
        wiring = wire(run, 3, ("attention", "cross"))
        if not any(part.kind in ("attention", "cross") for part in wiring.parts.values()):
            wiring = wire(run, 3, ("mixer",))
    else:
        wiring = wire(run, LEVELS.index(level))
    return wiring, lay_out(wiring)


def _whole(item: Entry, blocks: Wiring) -> Wiring:
    """Everything between what goes in and what comes out as one box."""
    inside = [part for part in blocks.parts.values() if part.kind not in ("input", "output")]
    count = sum(blocks.groups.values())
    kinds = frozenset().union(*(part.kinds for part in inside))
    box = Part("model", item.title, "other", code=f"models/{item.name}.py", parameters=blocks.total, each=blocks.total)
    box.size, box.kinds = (f"{count} block{'s' if count != 1 else ''}" if count else ""), kinds
    inputs = {key: part for key, part in blocks.parts.items() if part.kind == "input"}
    outputs = {key: part for key, part in blocks.parts.items() if part.kind == "output"}
    for part in (*inputs.values(), *outputs.values()):
        part.column = 0
    arrows = [(key, "model", "flow") for key in inputs] + [("model", key, "flow") for key in outputs]
    return Wiring({**inputs, "model": box, **outputs}, arrows, {}, blocks.total, {}, 1)


def _box(key: str, part: Part, wiring: Wiring, layout: Layout, wanted: tuple[str, ...]) -> Box:
    place = layout.boxes[key]
    lit = part.kind in wanted or any(kind in wanted for kind in part.kinds)
    if part.path:
        lit = lit or any(
            part.path == light or part.path.startswith(f"{light}.") or light.startswith(f"{part.path}.")
            for light in wanted
        )
    return Box(
        key=key,
        label=part.label,
        kind=part.kind,
        path=part.path,
        code=part.code,
        size=part.size,
        parameters=part.parameters,
        each=part.each,
        share=part.parameters / max(wiring.total, 1),
        block=part.group,
        notes=tuple(dict.fromkeys(part.notes)),
        lit=lit,
        column=part.column,
        row=place.row,
        x=place.x,
        y=place.y,
        width=place.width,
        height=place.height,
        texts=place.texts,
    )


def about(box: Box, times: int = 1) -> str:
    """What hovering over a box says, in a few lines."""
    lines = [box.label]
    if box.size:
        lines.append(box.size)
    if box.parameters:
        whole = f"{box.parameters:,} parameters, {percent_of(box.share)} of all"
        lines.append(f"{whole} ({box.each:,} in each of {times} blocks)" if times > 1 else whole)
    lines += [note for note in box.notes if note]
    if box.path:
        lines.append(f"module {box.path}")
    if box.code:
        lines.append(f"headway/{box.code}")
    return "\n".join(lines)


def percent_of(share: float) -> str:
    """A share in words: "21 %"."""
    return percent(round(share * 10**9), 10**9)


# -------------------------------------------------------------------- SVG

# ruff: noqa: E501  (rules of a style sheet, one a line)
STYLE = """
.hwd{display:block;max-width:100%;height:auto;color:inherit;font-family:system-ui,-apple-system,"Segoe UI",sans-serif;margin:0 auto}
.hwd text{fill:currentColor;text-anchor:middle}
.hwd .n{font-size:12.5px;font-weight:500}.hwd .s{font-size:10.5px;opacity:.72}
.hwd rect.b{fill:color-mix(in srgb,currentColor 5%,transparent);stroke:currentColor;stroke-opacity:.38}
.hwd .lit rect.b{fill:color-mix(in srgb,var(--hw-accent,#3b82c4) 20%,transparent);stroke:var(--hw-accent,#3b82c4);stroke-opacity:1;stroke-width:1.8}
.hwd .lit .n{font-weight:650}.hwd .lit .s{opacity:.9}
.hwd .io rect.b{fill:none;stroke:none}.hwd .io .n{font-style:italic}
.hwd .f{fill:color-mix(in srgb,currentColor 3%,transparent);stroke:currentColor;stroke-opacity:.28;stroke-dasharray:4 3}
.hwd .t{font-size:11px;font-weight:600;opacity:.75}
.hwd .a{fill:none;stroke:currentColor;stroke-opacity:.5;stroke-width:1.2}
.hwd .h{fill:currentColor;opacity:.6}
.hwd .a.back{stroke-dasharray:3 3}
.hwd .share{fill:currentColor;opacity:.35}.hwd .lit .share{fill:var(--hw-accent,#3b82c4);opacity:1}
.hwd .chosen rect.b{stroke:var(--hw-accent,#3b82c4);stroke-width:2.6;stroke-opacity:1}
.hwd g[tabindex]:focus-visible{outline:none}.hwd g[tabindex]:focus-visible rect.b{stroke:var(--hw-accent,#3b82c4);stroke-width:2.6;stroke-opacity:1}
"""


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _path(corners: tuple[tuple[float, float], ...], radius: float = 5.0) -> str:
    """A line with rounded corners."""
    points = [corners[0]]
    for point in corners[1:]:
        if abs(point[0] - points[-1][0]) + abs(point[1] - points[-1][1]) > 0.05:
            points.append(point)
    steps = [f"M{_number(points[0][0])} {_number(points[0][1])}"]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        near = [_toward(here, other, radius) for other in (before, after)]
        steps.append(f"L{_number(near[0][0])} {_number(near[0][1])}")
        steps.append(f"Q{_number(here[0])} {_number(here[1])} {_number(near[1][0])} {_number(near[1][1])}")
    steps.append(f"L{_number(points[-1][0])} {_number(points[-1][1])}")
    return "".join(steps)


def _toward(here: tuple[float, float], other: tuple[float, float], radius: float) -> tuple[float, float]:
    length = abs(other[0] - here[0]) + abs(other[1] - here[1])
    share = min(radius, length / 2) / length if length else 0
    return here[0] + (other[0] - here[0]) * share, here[1] + (other[1] - here[1]) * share


def _head(corners: tuple[tuple[float, float], ...]) -> str:
    """The point of an arrow, as a triangle."""
    (x0, y0), (x, y) = corners[-2:]
    if abs(x - x0) > abs(y - y0):
        back = -5 if x > x0 else 5
        return f"M{_number(x)} {_number(y)}l{back} -3v6z"
    back = -5 if y > y0 else 5
    return f"M{_number(x)} {_number(y)}l-3 {back}h6z"


def times_place(diagram: Diagram, frame: Frame) -> tuple[tuple[float, float], str]:
    """Where a frame says how often it is repeated: a lower corner that no arrow passes, and which end of the text is there."""
    if frame.x > diagram.size[0] / 2 - 5:
        return (frame.x + 10, frame.y + frame.height - 7), "start"
    return (frame.x + frame.width - 10, frame.y + frame.height - 7), "end"


def text_places(box: Box) -> list[tuple[str, float, float, float]]:
    """The lines of a box: (text, x of its middle, y of its baseline, size)."""
    middle = box.x + box.width / 2
    names = box.texts[0].split("\n")
    if box.kind in ("residual", "sum"):
        size = LABEL + 2 if len(names[0]) == 1 else SMALL
        return [(names[0], middle, box.y + box.height / 2 + size * 0.36, size)]
    tall = 15 * len(names) + 13 * (len(box.texts) - 1)
    y = box.y + (box.height - tall) / 2
    places = []
    for name in names:
        places.append((name, middle, y + 11.5, LABEL))
        y += 15
    for text in box.texts[1:]:
        places.append((text, middle, y + 9.5, SMALL))
        y += 13
    return places


def _svg(diagram: Diagram) -> str:
    width, height = diagram.size
    times = {frame.block: frame.times for frame in diagram.frames}
    name = html.escape(diagram.title)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="hwd" viewBox="0 0 {_number(width)} {_number(height)}" '
        f'width="{_number(width)}" role="group" aria-label="{name}">',
        f"<style>{STYLE}</style>",
    ]
    for frame in diagram.frames:
        x, y = _number(frame.x), _number(frame.y)
        out.append(
            f'<rect class="f" x="{x}" y="{y}" width="{_number(frame.width)}" height="{_number(frame.height)}" rx="9"/>'
        )
        place, anchor = times_place(diagram, frame)
        if frame.times == 1:
            continue
        out.append(
            f'<text class="t" style="text-anchor:{anchor}" x="{_number(place[0])}" y="{_number(place[1])}">× {frame.times}</text>'
        )
    for arrow in diagram.arrows:
        out.append(
            f'<path class="a {arrow.what}" d="{_path(arrow.corners)}"/><path class="h" d="{_head(arrow.corners)}"/>'
        )
    for box in diagram.boxes:
        kind = " lit" if box.lit else ""
        kind += " io" if box.kind in ("input", "output") else ""
        sign = box.kind in ("residual", "sum")
        told = html.escape(about(box, times.get(box.block or "", 1)))
        out.append(f'<g class="x{kind}" tabindex="0" role="img" data-key="{html.escape(box.key)}" aria-label="{told}">')
        out.append(f"<title>{told}</title>")
        radius = box.height / 2 if sign else 6
        out.append(
            f'<rect class="b" x="{_number(box.x)}" y="{_number(box.y)}" width="{_number(box.width)}" '
            f'height="{_number(box.height)}" rx="{_number(radius)}"/>'
        )
        for text, x, y, size in text_places(box):
            out.append(
                f'<text class="{"n" if size >= LABEL else "s"}" x="{_number(x)}" y="{_number(y)}">{html.escape(text)}</text>'
            )
        bar = (box.width - 12) * box.share
        if bar >= 1.5 and not sign:
            out.append(
                f'<rect class="share" x="{_number(box.x + 6)}" y="{_number(box.y + box.height - 3.5)}" '
                f'width="{_number(bar)}" height="2" rx="1"/>'
            )
        out.append("</g>")
    out.append("</svg>")
    return "".join(out)


# -------------------------------------------------------------------- matplotlib


def _draw(diagram: Diagram, figure: Figure) -> None:
    from matplotlib.patches import FancyBboxPatch, PathPatch
    from matplotlib.path import Path as Line

    figure.set_layout_engine("none")
    width, height = diagram.size
    top = 22.0
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, -top)
    axes.set_aspect("equal")
    axes.axis("off")
    # Texts are in points of the drawing, whatever the figure's size.
    scale = min(figure.get_figwidth() * 72 / width, figure.get_figheight() * 72 / (height + top))
    axes.text(
        width / 2,
        -top / 2,
        diagram.title,
        ha="center",
        va="center",
        fontsize=min(10.5, 15.5 * width / 6 / len(diagram.title)) * scale,
    )

    def rounded(x: float, y: float, w: float, h: float, radius: float, **style: Any) -> None:
        axes.add_patch(FancyBboxPatch((x, y), w, h, boxstyle=f"round,pad=0,rounding_size={radius}", **style))

    for frame in diagram.frames:
        rounded(
            frame.x,
            frame.y,
            frame.width,
            frame.height,
            9,
            fc="#00000008",
            ec="#00000047",
            lw=1.0 * scale,
            ls=(0, (4, 3)),
        )
        if frame.times == 1:
            continue
        (x, y), end = times_place(diagram, frame)
        axes.text(
            x,
            y,
            f"× {frame.times}",
            ha="left" if end == "start" else "right",
            va="baseline",
            fontsize=10 * scale,
            weight="bold",
            color="#444",
        )
    for arrow in diagram.arrows:
        axes.add_patch(
            PathPatch(
                Line([(x, y) for x, y in arrow.corners]),
                fc="none",
                ec="#777",
                lw=1.1 * scale,
                ls=(0, (3, 3)) if arrow.what == "back" else "-",
            )
        )
        axes.annotate(
            "",
            arrow.corners[-1],
            arrow.corners[-2],
            arrowprops={
                "arrowstyle": "-|>",
                "color": "#777",
                "lw": 0,
                "shrinkA": 0,
                "shrinkB": 0,
                "mutation_scale": 8 * scale,
            },
        )
    for box in diagram.boxes:
        sign = box.kind in ("residual", "sum")
        if box.kind not in ("input", "output"):
            rounded(
                box.x,
                box.y,
                box.width,
                box.height,
                box.height / 2 if sign else 6,
                fc="#dceaf8" if box.lit else "#f6f6f6",
                ec="#2f6fc4" if box.lit else "#a8a8a8",
                lw=(1.6 if box.lit else 0.9) * scale,
            )
        for text, x, y, size in text_places(box):
            axes.text(
                x,
                y,
                text,
                ha="center",
                va="baseline",
                fontsize=size * 0.92 * scale,
                color="#1c1e21" if size >= LABEL else "#555",
                style="italic" if box.kind in ("input", "output") else "normal",
            )
        bar = (box.width - 12) * box.share
        if bar >= 1.5 and not sign:
            rounded(
                box.x + 6,
                box.y + box.height - 3.5,
                bar,
                2,
                0.9,
                fc="#2f6fc4" if box.lit else "#aaa",
                ec="none",
            )


# -------------------------------------------------------------------- terminal


def _lines(diagram: Diagram, width: int) -> list[Text]:
    times = {frame.block: frame.times for frame in diagram.frames}
    numbers = 15
    name_width = max(20, min(34, width - numbers - 25))
    size_width = width - name_width - numbers
    edge = name_width + size_width + numbers - 2
    lines: list[Text] = []
    opened: str | None = None
    for box, above in _downwards(diagram):
        if box.block != opened:
            if opened is not None:
                lines.append(Text("  └" + "─" * (edge - 1), style="dim"))
            if box.block is not None:
                label = f"  ┌─ × {times[box.block]} " if times[box.block] > 1 else "  ┌"
                lines.append(Text(label + "─" * (edge + 2 - len(label)), style="dim"))
            opened = box.block
        elif box.kind == "input" and lines and not lines[-1].plain.strip().startswith("┌") and above is None:
            lines.append(Text(""))
        bar = "  " if opened is None else "  │ "
        if box.kind in ("input", "output"):
            lines.append(Text.assemble(bar, (box.label, "italic")))
            continue
        extra = _extra(diagram, box, above or ())
        style = "bold cyan" if box.lit else "" if box.kind in ("residual", "sum") else "bold"
        head = Text.assemble((bar, "dim"), (box.label, style))
        beside = extra and (not (box.size or box.parameters) or len(bar + box.label + extra) + 1 < name_width)
        if beside:
            head.append(f" {extra}", style="dim")
        if box.size or box.parameters:
            said = box.size if len(box.size) < size_width else f"{box.size[: size_width - 2]}…"
            counted = f"{short(box.parameters):>7} {percent_of(box.share):>6}" if box.parameters else ""
            head.append(" " * max(1, name_width - head.cell_len) + f"{said:<{size_width}}{counted}")
        lines += _folded(head, width, len(bar) + 2, bar)
        if extra and not beside:
            lines += _folded(Text(f"{bar}  {extra}", style="dim"), width, len(bar) + 4, bar)
    if opened is not None:
        lines.append(Text("  └" + "─" * (edge - 1), style="dim"))
    for path, count in diagram.unused.items():
        lines += _folded(Text(f"  not used: {path}, {count:,} parameters", style="dim"), width, 4, "")
    for line in lines:
        line.rstrip()
    return lines


def _downwards(diagram: Diagram) -> list[tuple[Box, tuple[str, ...] | None]]:
    """Boxes as they are read, tower by tower, each with the keys of the row above it (None at a tower's beginning)."""
    towers: dict[int, dict[int, list[Box]]] = {}
    sides = 1 + max((box.column for box in diagram.boxes), default=0)
    for side in range(sides):
        rows = towers.setdefault(side, {})
        for box in diagram.boxes:
            if box.column == side:
                rows.setdefault(box.row, []).append(box)
    read: list[tuple[Box, tuple[str, ...] | None]] = []
    for rows in towers.values():
        above: tuple[str, ...] | None = None
        for number in sorted(rows):
            row = sorted(rows[number], key=lambda box: box.x)
            read += [(box, above) for box in row]
            above = tuple(box.key for box in row)
    return read


def _extra(diagram: Diagram, box: Box, above: tuple[str, ...]) -> str:
    """Where a box takes from, where that is not the row above it."""
    by_key = {other.key: other for other in diagram.boxes}
    parts = []
    for arrow in diagram.arrows:
        if arrow.end != box.key:
            continue
        start = by_key[arrow.start]
        name = start.label if start.kind not in ("residual", "sum") or len(start.label) > 1 else "the sum"
        if arrow.what == "residual":
            nexts = [by_key[a.end] for a in diagram.arrows if a.start == arrow.start and a.end != box.key]
            after = next((other.label for other in nexts if other.block == box.block), None)
            parts.append(f"the stream as it was before {after}" if after else name)
        elif arrow.what == "back":
            parts.append(f"← {name} of the step before")
        elif start.column != box.column and box.column < 2:
            source = next(
                (other.label for other in diagram.boxes if other.column == start.column and other.kind == "input"), ""
            )
            parts.append(f"← {name} of the {source}" if source else f"← {name}")
        elif arrow.start not in above:
            parts.append(f"← {name}")
    return ", ".join(dict.fromkeys(parts))


def _folded(text: Text, width: int, indent: int, bar: str) -> list[Text]:
    """A line, and what does not fit of it further in on the next ones."""
    if text.cell_len <= width:
        return [text]
    first, *rest = textwrap.wrap(text.plain, width, subsequent_indent=" " * indent, replace_whitespace=False)
    return [text[: len(first)], *(Text(bar + line[len(bar) :], style="dim") for line in rest)]

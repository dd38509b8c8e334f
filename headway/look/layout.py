"""Where the boxes and arrows of a wiring stand: rows from top to bottom, a second tower beside the first.

Lengths are in points of a drawing 380 wide (400 with two towers), so that it can be read on a telephone at its own size.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from headway.look.wiring import Part, Wiring

LABEL, SMALL = 12.5, 10.5
"""Sizes of a box's name, and of what stands below it."""

WIDE, NARROW = 380.0, 404.0
GAP = 17.0
ZONES: dict[int, tuple[tuple[float, float], ...]] = {1: ((30.0, 350.0),), 2: ((30.0, 178.0), (226.0, 374.0))}
"""From where to where boxes stand, by the number of towers; what is outside of it is for arrows."""

SHORT = {
    "queries": "q",
    "keys": "k",
    "values": "v",
    "token embedding": "embed",
    "target embedding": "embed",
    "patch embedding": "patches",
    "positions": "position",
    "rotary angles": "angles",
    "distance bias": "bias",
    "segment embedding": "segment",
    "embed returns": "returns",
    "embed states": "states",
    "embed actions": "actions",
    "GRU, forwards": "GRU →",
    "GRU, backwards": "GRU ←",
    "convolution": "conv",
    "convolution, stride 2": "conv, stride 2",
    "temperature": "scale",
    "next sentence?": "next text?",
    "time in the episode": "time",
    "mixture of experts": "experts",
}
"""Names that a narrow box has room for."""


@dataclass(frozen=True)
class Placed:
    """A box where it stands: its upper left corner, its size, the lines of text in it (the name first), and its row."""

    x: float
    y: float
    width: float
    height: float
    texts: tuple[str, ...]
    row: int

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True)
class Layout:
    """A drawing's size, its boxes, the frames of repeated blocks, and its arrows as corners of lines.

    Attributes:
        size: Width and height.
        boxes: Box's key -> place.
        frames: First block -> (x, y, width, height).
        arrows: (from, to, what, corners).
    """

    size: tuple[float, float]
    boxes: dict[str, Placed]
    frames: dict[str, tuple[float, float, float, float]]
    arrows: tuple[tuple[str, str, str, tuple[tuple[float, float], ...]], ...]


def text_width(text: str, size: float) -> float:
    """How wide `text` gets in a sans-serif face of `size`, rather too much than too little."""
    width = 0.0
    for sign in text:
        if sign in "iljtfI.,:;'|!()[] ":
            width += 0.33
        elif sign in "mwMW@%→×":
            width += 0.92
        elif sign.isupper():
            width += 0.72
        else:
            width += 0.58
    return width * size


def wrapped(text: str, size: float, room: float) -> list[str]:
    """`text` in lines that fit into `room`; a word that does not fit alone is cut."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and text_width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    cut = []
    for line in lines:
        while text_width(line, size) > room and len(line) > 2:
            line = f"{line[:-2]}…"
        cut.append(line)
    return cut


def short(count: int) -> str:
    """A count in four signs or so: 134.5M."""
    for unit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= unit * 0.9995:
            return f"{count / unit:.3g}{letter}" if count / unit < 999.5 else f"{count / unit:.0f}{letter}"
    return str(count)


def percent(count: int, total: int) -> str:
    """A share of all parameters: "21 %", "0.3 %", "<0.1 %"."""
    part = 100 * count / max(total, 1)
    return f"{part:.0f} %" if part >= 9.95 else f"{part:.1f} %" if part >= 0.05 else "<0.1 %"


def is_sign(part: Part) -> bool:
    """Whether a box is a small round sign: a sum, a product, one stream beside another."""
    return part.kind in ("residual", "sum")


class _Composer:
    def __init__(self, wiring: Wiring):
        self.wiring, self.parts = wiring, wiring.parts
        self.width = WIDE if wiring.columns == 1 else NARROW
        self.zones = ZONES[wiring.columns] + (
            ((self.width / 2 - 100, self.width / 2 + 100),) if wiring.columns == 2 else ()
        )
        self.boxes: dict[str, Placed] = {}
        self.frames: dict[str, tuple[float, float, float, float]] = {}
        self.rows: dict[str, tuple[int, int]] = {}  # box -> its column, and its row in there
        self.row_boxes: dict[tuple[int, int], list[str]] = {}
        self.lanes: dict[tuple[int, str], list[tuple[float, float, int, str]]] = defaultdict(list)

    def compose(self) -> Layout:
        bottom = 0.0
        for column in range(3 if self.wiring.columns == 2 else 1):
            keys = [key for key, part in self.parts.items() if part.column == column]
            if not keys:
                continue
            start = 6.0 if column < 2 else bottom + GAP
            bottom = max(bottom, self._column(column, keys, start))
        arrows = tuple(self._route(a, b, what) for a, b, what in self._ordered())
        edge = max((y for *_, corners in arrows for _, y in corners), default=0.0)
        return Layout((self.width, max(bottom, edge) + 6), self.boxes, self.frames, arrows)

    def _ordered(self) -> list[tuple[str, str, str]]:
        """Short arrows first, so that they get the lanes next to the boxes."""
        order = list(self.parts)
        return sorted(self.wiring.arrows, key=lambda arrow: abs(order.index(arrow[1]) - order.index(arrow[0])))

    # ---------------------------------------------------------------- rows

    def _column(self, column: int, keys: list[str], y: float) -> float:
        """Place a column's boxes from `y` downwards; returns where it ends."""
        item_of = {key: self.parts[key].group or key for key in keys}
        row = 0
        for level in self._levels(list(dict.fromkeys(item_of.values())), item_of):
            groups = [item for item in level if item in self.wiring.groups and item_of.get(item, item) == item]
            singles = [item for item in level if item not in groups]
            if singles:
                y = self._row(column, row, singles, y) + GAP
                row += 1
            for group in groups:
                inner = [key for key in keys if self.parts[key].group == group]
                top = y
                y += 22
                for inside in self._levels(inner, {key: key for key in inner}):
                    y = self._row(column, row, inside, y) + GAP
                    row += 1
                left, right = self.zones[column]
                self.frames[group] = (left - 22, top, right - left + 44, y - top - GAP + 20)
                y += 20
        self._align(keys)
        return y - GAP

    def _align(self, keys: list[str]) -> None:
        """What goes in stands above what reads it, what comes out below what makes it."""
        for key in keys:
            kind, place = self.parts[key].kind, self.boxes[key]
            others = [
                b if kind == "input" else a
                for a, b, _ in self.wiring.arrows
                if (a == key and kind == "input") or (b == key and kind == "output")
            ]
            others = [other for other in others if other in self.boxes and other in keys]
            if len(others) != 1:
                continue
            wide = text_width(self.parts[key].label, LABEL) + 8
            x = self.boxes[others[0]].middle - wide / 2
            beside = [self.boxes[other] for other in self.row_boxes[self.rows[key]] if other != key]
            if all(x + wide < other.x or other.x + other.width < x for other in beside) and x > 0:
                self.boxes[key] = Placed(x, place.y, wide, place.height, place.texts, place.row)

    def _levels(self, items: list[str], item_of: dict[str, str]) -> list[list[str]]:
        """Items in rows: each below all that it takes from, and what takes from nothing right above its reader."""
        takes: dict[str, set[str]] = defaultdict(set)
        for a, b, what in self.wiring.arrows:
            x, y = item_of.get(a), item_of.get(b)
            if x in items and y in items and x != y and what != "back":
                takes[y].add(x)
        depth: dict[str, int] = {}
        entering = {item for item in items if item in self.parts and self.parts[item].kind == "input"}

        def deep(item: str, seen: tuple[str, ...] = ()) -> int:
            if item not in depth and item not in seen:
                depth[item] = max((deep(before, (*seen, item)) + 1 for before in takes[item]), default=0)
                if entering and item not in entering:  # what comes in has the first row for itself
                    depth[item] = max(depth[item], 1)
            return depth.get(item, 0)

        for item in items:
            deep(item)
        readers: dict[str, list[str]] = defaultdict(list)
        for item in items:
            for before in takes[item]:
                readers[before].append(item)
        for item in sorted(items, key=lambda item: -depth[item]):
            part = self.parts.get(item)
            if "#" in item or item in entering:
                continue
            if readers[item] and not (part is not None and part.kind == "output"):
                latest = min(depth[reader] for reader in readers[item]) - 1
                if latest > depth[item] and (not takes[item] or all(len(readers[x]) > 1 for x in takes[item])):
                    depth[item] = latest if not takes[item] else depth[item]
        homes: dict[str, list[str]] = defaultdict(list)
        for item in items:
            if "#" in item and self.parts[item].parameters and self.parts[item].kind in ("attention", "cross"):
                homes[item.rsplit(".", 1)[0]].append(item)
        for together in homes.values():  # queries, keys and values stand side by side
            deepest = max(depth[item] for item in together)
            depth.update(dict.fromkeys(together, deepest))
        rows: dict[int, list[str]] = defaultdict(list)
        for item in items:
            rows[depth[item]].append(item)
        return [self._across(rows[n], takes) for n in sorted(rows)]

    def _across(self, items: list[str], takes: dict[str, set[str]]) -> list[str]:
        """A row from left to right: the stream first, what stands by itself last, and q, k, v in that order."""
        order = list(self.parts)

        def rank(item: str) -> tuple[int, int]:
            if "#" in item:
                return 0, "qkv".index(item[-1])
            part = self.parts.get(item)
            alone = part is not None and not takes[item] and part.kind != "input"
            return int(alone), order.index(item) if item in order else 0

        return sorted(items, key=rank)

    def _row(self, column: int, row: int, keys: list[str], y: float) -> float:
        left, right = self.zones[column]
        keys = self._under(keys)
        roles = {key[-1] for key in keys if "#" in key}
        slots = 3 if roles else len(keys)
        gap = 8.0
        room = (right - left - gap * (slots - 1)) / slots
        widest = min(room, 204.0)
        total = widest * slots + gap * (slots - 1)
        start = (left + right - total) / 2
        placed = []
        for n, key in enumerate(keys):
            slot = "qkv".index(key[-1]) if "#" in key else n
            placed.append((key, start + slot * (widest + gap), self._texts(key, widest - 10)))
        height = max(self._height(key, texts) for key, _, texts in placed)
        for key, x, texts in placed:
            own = self._height(key, texts)
            part = self.parts[key]
            if is_sign(part):
                wide = 22.0 if len(part.label) == 1 else text_width(part.label, SMALL) + 16
                self.boxes[key] = Placed(x + (widest - wide) / 2, y + (height - own) / 2, wide, own, (part.label,), row)
            else:
                self.boxes[key] = Placed(x, y, widest, height, tuple(texts), row)
            self.rows[key] = (column, row)
        self.row_boxes[column, row] = keys
        return y + height

    def _under(self, keys: list[str]) -> list[str]:
        """A row in the order of what stands above it, so that few arrows cross."""

        def above(key: str) -> float | None:
            found = [self.boxes[a].middle for a, b, _ in self.wiring.arrows if b == key and a in self.boxes]
            return sum(found) / len(found) if found else None

        places = [above(key) for key in keys]
        if any(place is None for place in places) or any("#" in key for key in keys):
            return keys
        return sorted(keys, key=lambda key: above(key) or 0.0)

    def _texts(self, key: str, room: float) -> list[str]:
        part = self.parts[key]
        label = part.label
        if text_width(label, LABEL) > room and label in SHORT:
            label = SHORT[label]
        if "#" in key and room < 56 and label in SHORT:  # all three by one letter
            label = SHORT[label]
        lines = [*wrapped(label, LABEL, room)]
        lines = lines[:3]
        texts = ["\n".join(lines)]
        if part.kind in ("input", "output"):
            return texts
        if "the embedding, used a second time" in part.notes:
            texts.append("the embedding again" if room > 110 else "embedding again")
        if part.size:
            size = part.size if text_width(part.size, SMALL) <= room else part.size.replace(" × ", "×")
            texts += wrapped(size, SMALL, room)[:2]
        if part.parameters:
            whole = f"{short(part.parameters)} · {percent(part.parameters, self.wiring.total)}"
            texts += [whole] if text_width(whole, SMALL) <= room else [short(part.parameters)]
        return texts

    def _height(self, key: str, texts: list[str]) -> float:
        if is_sign(self.parts[key]):
            return 22.0
        names = texts[0].count("\n") + 1
        return 10 + 15 * names + 13 * (len(texts) - 1) + (3 if len(texts) > 1 else 0)

    # ---------------------------------------------------------------- arrows

    def _route(self, a: str, b: str, what: str) -> tuple[str, str, str, tuple[tuple[float, float], ...]]:
        (ca, ra), (cb, rb) = self.rows[a], self.rows[b]
        start, end = self.boxes[a], self.boxes[b]
        if ca != cb and cb == 2 and not self._between(ca, ra + 1, 10**6):
            middle = end.y - 8
            return (
                a,
                b,
                what,
                ((start.middle, start.bottom), (start.middle, middle), (end.middle, middle), (end.middle, end.y)),
            )
        if ca != cb:
            return a, b, what, self._across_columns(a, b)
        if rb == ra + 1 and what != "back":
            if abs(start.middle - end.middle) < 1:
                return a, b, what, ((start.middle, start.bottom), (end.middle, end.y))
            middle = min(self.boxes[key].y for key in self.row_boxes[cb, rb]) - 8
            return (
                a,
                b,
                what,
                ((start.middle, start.bottom), (start.middle, middle), (end.middle, middle), (end.middle, end.y)),
            )
        return a, b, what, self._around(a, b, what)

    def _between(self, column: int, first: int, last: int) -> list[str]:
        return [
            key for (c, row), keys in self.row_boxes.items() if c == column and first <= row <= last for key in keys
        ]

    def _around(self, a: str, b: str, what: str) -> tuple[tuple[float, float], ...]:
        """Past the rows in between, on a lane beside them: the stream on the outer side, the rest on the inner one."""
        (column, ra), (_, rb) = self.rows[a], self.rows[b]
        start, end = self.boxes[a], self.boxes[b]
        outer = "right" if column == 1 else "left"
        inner = "left" if column == 1 else "right"
        side = outer if what in ("residual", "back") else inner
        if what == "flow" and len(self.row_boxes[column, ra]) > 1:
            keys = self.row_boxes[column, ra]
            side = (
                "left"
                if keys.index(a) < (len(keys) - 1) / 2
                else "right"
                if keys.index(a) > (len(keys) - 1) / 2
                else side
            )
        low, high = sorted((ra, rb))
        passed = self._between(column, low + 1, high - 1) or [a, b]
        leave = start.bottom + 5
        if what == "back":
            leave = start.y + start.height / 2
        enter = end.y + end.height / 2
        single = len(self.row_boxes[column, rb]) == 1
        if not single:
            enter = min(self.boxes[key].y for key in self.row_boxes[column, rb]) - 8
        lane = self._lane(column, side, min(leave, enter), max(leave, enter), a)
        if side == "left":
            x = (
                min(self.boxes[key].x for key in [*passed, b] if not is_sign(self.parts[key]) or len(passed) == 1)
                - 9
                - 7 * lane
                if any(not is_sign(self.parts[key]) for key in [*passed, b])
                else start.middle - 40
            )
        else:
            x = (
                max(
                    (self.boxes[key].x + self.boxes[key].width for key in [*passed, b] if not is_sign(self.parts[key])),
                    default=start.middle + 40,
                )
                + 9
                + 7 * lane
            )
        if what == "back":
            begin = ((start.x if side == "left" else start.x + start.width, leave),)
        else:
            begin = ((start.middle, start.bottom), (start.middle, leave))
        if single:
            return (*begin, (x, leave), (x, enter), (end.x if side == "left" else end.x + end.width, enter))
        return (*begin, (x, leave), (x, enter), (end.middle, enter), (end.middle, end.y))

    def _lane(self, column: int, side: str, low: float, high: float, source: str) -> int:
        """The lane nearest to the boxes that is free from `low` to `high`; arrows from one box share theirs."""
        taken = self.lanes[column, side]
        for n in range(12):
            if all(lane != n or whose == source or high < y0 - 2 or low > y1 + 2 for y0, y1, lane, whose in taken):
                taken.append((low, high, n, source))
                return n
        return 12

    def _across_columns(self, a: str, b: str) -> tuple[tuple[float, float], ...]:
        """From one tower to the other, through the space between them."""
        start, end = self.boxes[a], self.boxes[b]
        (ca, ra), (cb, rb) = self.rows[a], self.rows[b]
        right = start.middle < end.middle
        gutter = (ZONES[2][0][1] + ZONES[2][1][0]) / 2
        row = self.row_boxes[ca, ra]
        ends = row[-1] if right else row[0]
        leave = start.y + start.height / 2 if ends == a else start.bottom + 6
        single = len(self.row_boxes[cb, rb]) == 1
        enter = end.y + end.height / 2 if single else min(self.boxes[key].y for key in self.row_boxes[cb, rb]) - 8
        lane = self._lane(9, "gutter", min(leave, enter), max(leave, enter), a)
        x = gutter + (-1) ** lane * 5 * ((lane + 1) // 2)
        begin: tuple[tuple[float, float], ...] = ((start.x + start.width if right else start.x, leave),)
        if ends != a:
            begin = ((start.middle, start.bottom), (start.middle, leave))
        if single:
            return (*begin, (x, leave), (x, enter), (end.x if right else end.x + end.width, enter))
        return (*begin, (x, leave), (x, enter), (end.middle, enter), (end.middle, end.y))


def lay_out(wiring: Wiring) -> Layout:
    """Where everything stands."""
    return _Composer(wiring).compose()

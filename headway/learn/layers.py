"""Which of a learner's layers is which of ours: by name, by shape, and where that leaves a choice, by trying.

A learner names inner layers freely. One of theirs may hold several of ours stacked (a fused qkv), be stored transposed, or
be one of a numbered row that together make one of ours (a list of heads). An assignment only says what is called what: if
any one makes the learner's module equal to the reference on every input, the module is right.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any


@dataclass
class Layer:
    """A weight and, maybe, the bias that goes with it."""

    name: str
    weight: str
    shape: tuple[int, ...]
    bias: str | None = None
    count: int = 1


@dataclass
class Fit:
    """An assignment: for each of the learner's layers the ones of ours that it holds, in order."""

    rows: list[tuple[Layer, tuple[Layer, ...], bool]]
    absent: tuple[str, ...] = ()

    def plan(self, weights: dict[str, Any]) -> list:
        """Rows for `Placement`, for weights of these shapes."""
        rows: list[list[Any]] = []
        for theirs, ours, transposed in self.rows:
            start = 0
            for mine in ours:
                length = len(weights[mine.weight])
                share = length // theirs.count if theirs.count > 1 else length
                rows.append([mine.weight, theirs.weight, 0 if theirs.count > 1 else start, share, transposed])
                if mine.bias and theirs.bias:
                    at = 0 if theirs.count > 1 else start
                    rows.append([mine.bias, theirs.bias, at, share, False])
                start += length
        # The number of parameters behind a `#` changes with the sizes, so their whole length is asked for.
        return [[*row[:3], None, row[4]] if "#" in row[1] else row for row in rows]

    def told(self) -> str:
        """``q = wq, k = wk, ...``: the assignment in the learner's names."""
        parts = []
        for theirs, ours, transposed in self.rows:
            names = " and ".join(mine.name for mine in ours)
            parts.append(f"{names} = {theirs.name.replace('#', 'N')}{' (stored transposed)' if transposed else ''}")
        return ", ".join(parts)


def layers_of(parameters: list[tuple[str, tuple[int, ...]]]) -> list[Layer]:
    """Parameters as layers: ``x.weight`` and ``x.bias`` belong together, any other parameter stands alone."""
    names = {name for name, _ in parameters}
    found = []
    for name, shape in parameters:
        stem, _, last = name.rpartition(".")
        if last == "bias" and f"{stem}.weight" in names:
            continue
        bias = f"{stem}.bias" if last == "weight" and f"{stem}.bias" in names else None
        found.append(Layer(stem if last == "weight" and stem else name, name, shape, bias))
    return found


def merged(layers: list[Layer]) -> list[Layer]:
    """Layers whose names differ in one number only, as one layer of all their rows."""
    groups: dict[tuple[str, tuple[int, ...]], list[Layer]] = {}
    for layer in layers:
        groups.setdefault((re.sub(r"\d+", "#", layer.name), layer.shape), []).append(layer)
    found = []
    for (pattern, shape), members in groups.items():
        if len(members) == 1 or not shape:
            found.extend(members)
            continue
        first = members[0]
        found.append(
            Layer(
                pattern,
                re.sub(r"\d+", "#", first.weight),
                (shape[0] * len(members), *shape[1:]),
                re.sub(r"\d+", "#", first.bias) if first.bias else None,
                len(members),
            )
        )
    return found


def assignments(ours: list[Layer], theirs: list[Layer], optional: tuple[str, ...], most: int = 4000) -> list[Fit]:
    """Every way in which each of theirs holds some of ours and each of ours is held once; likeliest names first."""
    found: list[Fit] = []

    def holds(layer: Layer, some: tuple[Layer, ...]) -> list[bool]:
        """Whether `layer` can hold `some` stacked: as stored, transposed, either, or not at all."""
        if any((layer.bias and not mine.bias) for mine in some):
            return []
        if any(mine.bias and not layer.bias and mine.bias not in optional for mine in some):
            return []
        if len({mine.shape[1:] for mine in some}) != 1:
            return []
        shape = (sum(mine.shape[0] for mine in some), *some[0].shape[1:])
        ways = [False] if shape == layer.shape else []
        if len(shape) == 2 and shape[::-1] == layer.shape and layer.count == 1:
            ways.append(True)
        return ways

    def extend(rows: list, left: list[Layer], rest: list[Layer]) -> None:
        if len(found) >= most:
            return
        if not rest:
            if not left:
                absent = tuple(m.bias for t, some, _ in rows for m in some if m.bias and not t.bias)
                found.append(Fit(list(rows), absent))
            return
        layer = rest[0]
        longest = 1 if layer.count > 1 else len(left) - (len(rest) - 1)
        for size in range(1, longest + 1):
            for some in itertools.permutations(left, size):
                for transposed in holds(layer, some):
                    extend([*rows, (layer, some, transposed)], [m for m in left if m not in some], rest[1:])

    extend([], ours, theirs)
    # Within one file weights are stored one way round: mixed assignments come last.
    found.sort(key=lambda fit: (-_likeness(fit), sum(t for _, _, t in fit.rows)))
    return found


def _likeness(fit: Fit) -> float:
    """How well the names of an assignment go together."""
    score = 0.0
    for theirs, ours, _ in fit.rows:
        words = [w for w in re.split(r"[^a-z]+", theirs.name.lower().replace("#", "")) if w]
        # A fused layer's name says nothing of the order within; ours, which is generated first, is the likeliest.
        if len(ours) == 1:
            name = ours[0].name.rpartition(".")[2].lower()
            score += max((_word(name, word) for word in words), default=0.0)
    return score


def _word(name: str, word: str) -> float:
    if word == name:
        return 3.0
    if word in (f"w{name[:1]}", f"{name[:1]}w") or word.startswith(name) or name.startswith(word):
        return 2.0
    return 1.0 if word[:1] == name[:1] else 0.0

"""The path as a graph: its topics, what needs what, how far the learner is in each, and where they are. Data to draw from.

progress -> PathGraph (`path_graph`) -> the tree of a terminal (`trees`), or places and routes of a picture (`arranged`)
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from headway.learn.progress import Progress, TopicState
from headway.learn.steps import Step, parts_of

State = Literal["done", "begun", "open", "skipped", "unwritten"]

STATES: dict[State, str] = {
    "done": "done",
    "begun": "begun",
    "open": "open",
    "skipped": "skipped",
    "unwritten": "no lesson and no exercises yet",
}
"""State of a topic -> what a legend says of it."""


@dataclass(frozen=True)
class Node:
    """A topic.

    Attributes:
        needs: The topics it builds on directly: without those that another of them builds on.
        parts: What is there in it, as `parts_of` says it.
        here: Whether the next step is in it.
    """

    id: str
    title: str
    state: State
    needs: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    here: bool = False


@dataclass(frozen=True)
class PathGraph:
    """All topics by id, in an order that respects what each needs."""

    nodes: dict[str, Node]

    @functools.cached_property
    def layers(self) -> dict[str, int]:
        """How many topics lie before each, on the longest way to it."""
        found: dict[str, int] = {}
        for node in self.nodes.values():
            found[node.id] = 1 + max((found[need] for need in node.needs), default=-1)
        return found

    def facts(self) -> dict[str, Any]:
        """For JSON: the topics with their layer, and the edges from what is needed to what needs it."""
        topics = [
            {
                "id": node.id,
                "title": node.title,
                "state": node.state,
                "here": node.here,
                "layer": self.layers[node.id],
                "there": list(node.parts),
            }
            for node in self.nodes.values()
        ]
        edges = [{"from": need, "to": node.id} for node in self.nodes.values() for need in node.needs]
        return {"topics": topics, "edges": edges}

    def counts(self) -> dict[State, int]:
        """State -> how many topics are in it; states that none is in are left out."""
        states = [node.state for node in self.nodes.values()]
        return {state: states.count(state) for state in STATES if state in states}


def path_graph(progress: Progress, step: Step | None = None) -> PathGraph:
    """The path as far as the learner is; `step` is the next one, which says where they are."""
    path = progress.path
    here = step.topic.topic.id if step is not None and step.topic is not None else None
    nodes = {}
    for name, state in progress.topics.items():
        needs = state.topic.needs
        implied = {before for need in needs for before in path.before(need)}
        nodes[name] = Node(
            name,
            state.topic.title,
            state_of_topic(state),
            tuple(need for need in needs if need not in implied),
            tuple(parts_of(state)),
            name == here,
        )
    return PathGraph(nodes)


def state_of_topic(state: TopicState) -> State:
    """How far the learner is in one topic, in a word."""
    if state.done:
        return "done"
    if state.skipped:
        return "skipped"
    if not state.checkable and state.topic.lesson_file is None:
        return "unwritten"
    return "begun" if state.began or any(have for have, _ in state.counts.values()) else "open"


# -- as trees ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Branch:
    """A topic in a tree: under the first it needs; what else it needs is in `also`."""

    node: Node
    also: tuple[str, ...]
    below: tuple[Branch, ...]

    def __iter__(self) -> Iterator[Branch]:
        yield self
        for branch in self.below:
            yield from branch


def trees(graph: PathGraph) -> list[Branch]:
    """The graph as trees, every topic once. A tree in which something of another is needed comes after it, where that can be."""
    below: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for node in graph.nodes.values():
        if node.needs:
            below[node.needs[0]].append(node.id)

    def grown(name: str) -> Branch:
        node = graph.nodes[name]
        return Branch(node, node.needs[1:], tuple(grown(child) for child in below[name]))

    left = [grown(node.id) for node in graph.nodes.values() if not node.needs]
    found: list[Branch] = []
    placed: set[str] = set()
    while left:
        # A tree of which nothing is missing; where each waits for another, the first.
        ready = next((tree for tree in left if _outside(tree) <= placed), left[0])
        left.remove(ready)
        found.append(ready)
        placed |= {branch.node.id for branch in ready}
    return found


def _outside(tree: Branch) -> set[str]:
    """What the topics of a tree need that is not in it."""
    return {need for branch in tree for need in branch.also} - {branch.node.id for branch in tree}


# -- as a picture --------------------------------------------------------------------------------------------------------

Point = tuple[float, float]
Slot = tuple[str, ...]
"""What stands in a column: a topic, or the line of (needed, needing) that passes it."""
Beside = dict[Slot, list[Slot]]
HALF_WIDTH, HALF_HEIGHT = 0.36, 0.37
"""Half of a box; columns and rows are one apart."""
_SLOT = 0.34
"""The height that a line takes up where it passes a column, in rows."""


@dataclass(frozen=True)
class Arrangement:
    """Where everything stands in a picture. x grows to the right, one a column; y downwards, one a row.

    Attributes:
        places: Topic -> the middle of its box.
        routes: (needed, needing) -> the points its line runs through: out of one box, level past each column in between, and into
            the other box.
        apart: The topics that neither need nor are needed, which stand in a row of their own below.
    """

    places: dict[str, Point]
    routes: dict[tuple[str, str], list[Point]]
    apart: tuple[str, ...] = ()

    @property
    def size(self) -> Point:
        """Columns and rows that it takes up."""
        xs, ys = zip(*self.places.values(), strict=True) if self.places else ((0.0,), (0.0,))
        bends = [y for route in self.routes.values() for _, y in route]
        return max(xs) + 1, max((*ys, *bends)) + 1


def arranged(graph: PathGraph) -> Arrangement:
    """Columns by what comes before (Sugiyama, Tagawa & Toda, 1981): a topic stands right of everything it needs.

    A line that passes a column has a slot of its own in it, so that none runs through a box. The order within the columns is
    swept until neighbours stand near each other; heights are then the nearest to one's neighbours that leave everything its room.
    """
    needed = {need for node in graph.nodes.values() for need in node.needs}
    apart = tuple(name for name, node in graph.nodes.items() if not node.needs and name not in needed)
    columns: list[list[Slot]] = [[] for _ in range(1 + max(graph.layers.values(), default=0))]
    links: list[tuple[Slot, Slot]] = []
    chains: dict[tuple[str, str], list[Slot]] = {}
    for name, node in graph.nodes.items():
        if name in apart:
            continue
        columns[graph.layers[name]].append((name,))
        for need in node.needs:
            slots = [(need, name, str(at)) for at in range(graph.layers[need] + 1, graph.layers[name])]
            for slot in slots:
                columns[int(slot[2])].append(slot)
            chains[need, name] = [(need,), *slots, (name,)]
            links += pairwise(chains[need, name])
    before: Beside = {}
    after: Beside = {}
    for one, other in links:
        after.setdefault(one, []).append(other)
        before.setdefault(other, []).append(one)
    columns = _swept(columns, before, after)
    heights = _heights(columns, before, after)
    places = {name: (float(at), heights[(name,)]) for name, at in graph.layers.items() if name not in apart}
    bottom = max((*heights.values(), -1.0)) + 1.25
    places |= {name: (float(at), bottom) for at, name in enumerate(apart)}
    return Arrangement({name: places[name] for name in graph.nodes}, _routes(chains, heights, graph), apart)


def _swept(columns: list[list[Slot]], before: Beside, after: Beside) -> list[list[Slot]]:
    """The columns in an order with few crossings: each in turn by the middle of its neighbours, the best order seen is kept."""

    def crossings() -> int:
        total = 0
        for column in columns[1:]:
            at = {one: n for left in columns for n, one in enumerate(left)}
            ends = [(at[one], n) for n, other in enumerate(column) for one in before.get(other, ())]
            total += sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(ends) for c, d in ends[:i])
        return total

    best, fewest = [list(column) for column in columns], crossings()
    for sweep in range(24):
        beside, order = (before, columns) if sweep % 2 == 0 else (after, columns[::-1])
        for column in order:
            at = {one: n / max(len(other) - 1, 1) for other in columns for n, one in enumerate(other)}
            middle = {one: _mean(at[near] for near in beside[one]) if beside.get(one) else at[one] for one in column}
            column.sort(key=middle.__getitem__)
        if (count := crossings()) < fewest:
            best, fewest = [list(column) for column in columns], count
    return best


def _heights(columns: list[list[Slot]], before: Beside, after: Beside) -> dict[Slot, float]:
    """The height of everything in the columns, order and room kept; a box has a row, a line that passes `_SLOT`."""
    room = {one: 1.0 if len(one) == 1 else _SLOT for column in columns for one in column}
    offsets = []
    for column in columns:
        at, offset = 0.0, []
        for n, one in enumerate(column):
            at += (room[column[n - 1]] + room[one]) / 2 if n else 0.0
            offset.append(at)
        offsets.append(offset)
    tallest = max((offset[-1] for offset in offsets if offset), default=0.0)
    heights = {
        one: at + (tallest - offset[-1]) / 2
        for column, offset in zip(columns, offsets, strict=True)
        for one, at in zip(column, offset, strict=True)
    }
    for sweep in range(16):
        order = list(zip(columns, offsets, strict=True))
        for column, offset in order if sweep % 2 == 0 else order[::-1]:
            wanted = [_mean(heights[near] for near in (*before.get(one, ()), *after.get(one, ()))) for one in column]
            settled = _rising([want - at for want, at in zip(wanted, offset, strict=True)])
            heights |= {one: free + at for one, free, at in zip(column, settled, offset, strict=True)}
    top = min(heights.values(), default=0.0)
    return {one: at - top for one, at in heights.items()}


def _rising(values: list[float]) -> list[float]:
    """The numbers nearest to `values`, in squares, of which none is less than the one before it (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, n), (b, m) = pools[-2:]
            pools[-2:] = [((a * n + b * m) / (n + m), n + m)]
    return [value for value, count in pools for _ in range(count)]


def _routes(
    chains: dict[tuple[str, str], list[Slot]], heights: dict[Slot, float], graph: PathGraph
) -> dict[tuple[str, str], list[Point]]:
    """The points of every line; lines of one box leave it and enter it at heights of their own, ordered by where they lead."""
    out: dict[tuple[str, str], float] = {}
    into: dict[tuple[str, str], float] = {}
    for name in graph.nodes:
        for ends, ports in (
            ([(chain[1], edge) for edge, chain in chains.items() if edge[0] == name], out),
            ([(chain[-2], edge) for edge, chain in chains.items() if edge[1] == name], into),
        ):
            ends.sort(key=lambda end: heights[end[0]])
            for n, (_, edge) in enumerate(ends):
                ports[edge] = heights[(name,)] + 1.2 * HALF_HEIGHT * ((n + 0.5) / len(ends) - 0.5)
    found = {}
    for edge, chain in chains.items():
        x = graph.layers[edge[0]]
        points = [(x + HALF_WIDTH, out[edge])]
        for at, slot in enumerate(chain[1:-1], x + 1):
            points += [(at - HALF_WIDTH, heights[slot]), (at + HALF_WIDTH, heights[slot])]
        found[edge] = [*points, (graph.layers[edge[1]] - HALF_WIDTH, into[edge])]
    return found


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values)

"""The graph of the path: its data, the tree on a terminal, and the picture, over the whole path, odd states and odd graphs."""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from headway.cli.app import main
from headway.cli.shared import path_drawing
from headway.cli.shared.path_drawing import draw_graph
from headway.learn.evidence import record
from headway.learn.exercise import exercises
from headway.learn.path import the_path
from headway.learn.path_graph import HALF_HEIGHT, HALF_WIDTH, STATES, Node, PathGraph, arranged, path_graph, trees
from headway.learn.progress import Progress
from headway.learn.steps import next_step
from headway.learn.workspace import Workspace, create


def workspace_with(folder: Path, plan: str) -> Workspace:
    workspace = create(folder / "w")
    workspace.plan.write_text(plan)
    return workspace


def graph_of(workspace: Workspace) -> PathGraph:
    progress = Progress(workspace)
    return path_graph(progress, next_step(progress))


def some_graph(seed: int) -> PathGraph:
    """A graph such as a path could be: every topic needs up to three of those before it; states at random."""
    draw = random.Random(seed)
    count = draw.choice([1, 2, 5, 12, 30, 60])
    before: dict[str, set[str]] = {}
    nodes: dict[str, Node] = {}
    for n in range(count):
        name = f"topic-{n}" + "-of-a-very-long-name" * draw.randint(0, 2)
        needs = draw.sample(sorted(nodes), min(len(nodes), draw.choice([0, 1, 1, 1, 2, 3])))
        implied = set().union(*(before[need] for need in needs))
        before[name] = implied | set(needs)
        state = draw.choice(list(STATES))
        parts = tuple(
            f"{draw.randint(0, 9)}/{draw.randint(9, 99)} {what}" for what in ("exercises", "claims", "papers")
        )
        direct = tuple(need for need in needs if need not in implied)
        nodes[name] = Node(name, name.replace("-", " "), state, direct, parts, n == count // 2)
    return PathGraph(nodes)


GRAPHS = [some_graph(seed) for seed in range(25)]


@pytest.fixture
def shipped(tmp_path: Path) -> PathGraph:
    return graph_of(workspace_with(tmp_path, "- [ ] Self-attention\n- [ ] Gemma\n"))


# -- the data ------------------------------------------------------------------------------------------------------------


def test_the_graph_has_every_topic_and_what_it_needs(shipped: PathGraph) -> None:
    path = the_path()
    assert list(shipped.nodes) == list(path.topics)
    for name, node in shipped.nodes.items():
        reached, todo = set(), list(node.needs)
        while todo:
            need = todo.pop()
            reached.add(need)
            todo += shipped.nodes[need].needs
        assert reached == set(path.before(name)), "nothing that is needed is lost with the edges that others imply"
        assert all(shipped.layers[need] < shipped.layers[name] for need in node.needs)
    assert [node.id for node in shipped.nodes.values() if node.here] == ["attention"]
    assert "0/6 exercises" in shipped.nodes["attention"].parts
    facts = json.loads(json.dumps(shipped.facts()))
    assert len(facts["topics"]) == len(path.topics)
    assert {"from": "tensors", "to": "attention"} in facts["edges"]
    assert {"from": "tensors", "to": "transformer"} not in facts["edges"], "by way of attention"


def test_states_are_what_was_done(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "- [ ] Self-attention\n")
    names = [name for name in exercises() if name.startswith(("tensors/", "autograd/"))]
    for name in (*names, "attention/sdpa"):
        record(workspace, kind="exercise", name=name, result="passed")
    record(workspace, kind="skip", name="tokenizers", result="skipped")
    record(workspace, kind="skip", name="training", result="tested-out")
    record(workspace, kind="run", name="smollm2-135m", result="used")
    states = {name: node.state for name, node in graph_of(workspace).nodes.items()}
    expected = {
        "tensors": "done", "autograd": "done", "training": "done", "attention": "begun", "using-models": "begun",
        "tokenizers": "skipped", "transformer": "open", "llama": "unwritten", "library": "open",
    }  # fmt: skip
    assert {name: states[name] for name in expected} == expected
    assert sum(graph_of(workspace).counts().values()) == len(the_path().topics)


def test_a_line_that_is_about_no_topic_is_nowhere_on_the_path(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "- [ ] milk\n")
    for name in the_path().topics:
        record(workspace, kind="skip", name=name, result="skipped")
    graph = graph_of(workspace)
    assert not [node for node in graph.nodes.values() if node.here]
    assert graph.counts() == {"skipped": len(the_path().topics)}


# -- as trees ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_topic_is_in_the_trees_once_under_what_it_needs(graph: PathGraph) -> None:
    grown = trees(graph)
    every = [branch for tree in grown for branch in tree]
    assert sorted(branch.node.id for branch in every) == sorted(graph.nodes)
    parents = {below.node.id: branch.node.id for branch in every for below in branch.below}
    for branch in every:
        above = (parents[branch.node.id],) if branch.node.id in parents else ()
        assert set(above) | set(branch.also) == set(branch.node.needs)
        assert branch.node.id not in branch.also


def test_what_another_tree_needs_is_drawn_before_it(shipped: PathGraph) -> None:
    order = [branch.node.id for tree in trees(shipped) for branch in tree]
    assert order.index("tokenizers") < order.index("transformer")


def drawn(graph: PathGraph, columns: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    screen = Console(file=io.StringIO(), width=columns, force_terminal=True, color_system=None, highlight=False)
    monkeypatch.setattr(path_drawing, "out", lambda: screen)
    draw_graph(graph)
    return screen.file.getvalue().splitlines()


@pytest.mark.parametrize("columns", [20, 34, 60, 100, 200])
def test_no_row_is_wider_than_the_terminal_and_every_topic_has_one(columns, monkeypatch, shipped: PathGraph) -> None:
    for graph in (shipped, *GRAPHS):
        lines = drawn(graph, columns, monkeypatch)
        assert max(map(len, lines)) <= columns
        if columns >= 60 and graph is shipped:
            said = [re.sub(r"^[│├└─ ]+", "", line) for line in lines[2:]]
            for name, node in graph.nodes.items():
                (row,) = [line for line in said if re.match(rf"[✔◐○–·] {re.escape(name)}(\s|$)", line)]
                assert ("you are here" in row) == node.here
            told = " ".join(said)
            assert "also needs training-basics, tokenizers" in told
            assert "also needs layer-norm" in told


def test_in_a_pipe_nothing_is_cut(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "- [ ] Self-attention\n")
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "HEADWAY_WORKSPACE": str(workspace.root), "COLUMNS": "30"}
    found = subprocess.run(
        [sys.executable, "-m", "headway", "plan", "--graph"], env=env, capture_output=True, text=True, check=True
    )
    assert found.stdout.isascii()
    for part in (
        "25 topics: ",
        "[ ] attention ",
        "<- you are here  lesson, 0/6 exercises, 0/3 claims, 0/2 papers",
        "|- ",
        "`- ",
        "0/6 exercises, 0/1 claim, 1 model, 0/1 paper  also needs training-basics, tokenizers",
        "headway read attention",
    ):
        assert part in found.stdout, part
    assert "…" not in found.stdout


@pytest.mark.parametrize(
    "plan",
    [
        "# nothing\n",
        "- milk\n",
        "- [ ] \n",
        "- [x] everything\n",
        "- [-] attention\n- [/] GPT\n",
        "plain words\n- [ ] x\n",
    ],
)
def test_the_graph_is_drawn_over_any_plan(tmp_path: Path, monkeypatch, capsys, plan: str) -> None:
    workspace = workspace_with(tmp_path, plan)
    monkeypatch.setenv("HEADWAY_WORKSPACE", str(workspace.root))
    for done in range(3):
        assert main(["plan", "--graph"]) == 0
        out = capsys.readouterr().out
        assert f"{len(the_path().topics)} topics: " in out
        for name in exercises() if done == 0 else ():
            record(workspace, kind="exercise", name=name, result="passed")
        for name in the_path().topics if done == 1 else ():
            record(workspace, kind="skip", name=name, result="skipped")
    assert "10 done, 15 skipped" in out


# -- as a picture --------------------------------------------------------------------------------------------------------


def curve(route: list[tuple[float, float]]):
    """Points of the line that `path_drawing` draws along a route, close together."""
    for n, ((x, y), (to_x, to_y)) in enumerate(itertools.pairwise(route)):
        middle = (x + to_x) / 2
        for step in range(41):
            t = step / 40
            if n % 2:
                yield x + t * (to_x - x), y + t * (to_y - y)
            else:
                weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
                yield (
                    sum(w * at for w, at in zip(weights, (x, middle, middle, to_x), strict=True)),
                    sum(w * at for w, at in zip(weights, (y, y, to_y, to_y), strict=True)),
                )


def test_no_box_covers_another_and_no_line_runs_through_one(shipped: PathGraph) -> None:
    for graph in (shipped, *GRAPHS):
        found = arranged(graph)
        assert set(found.places) == set(graph.nodes)
        for (x, y), (to_x, to_y) in itertools.combinations(found.places.values(), 2):
            assert abs(x - to_x) > 2 * HALF_WIDTH or abs(y - to_y) > 2 * HALF_HEIGHT
        assert set(found.routes) == {(need, node.id) for node in graph.nodes.values() for need in node.needs}
        for (needed, needing), route in found.routes.items():
            assert [x for x, _ in route] == sorted(x for x, _ in route), "from left to right"
            for x, y in curve(route):
                for name, (at, height) in found.places.items():
                    if name not in (needed, needing):
                        assert abs(x - at) > HALF_WIDTH or abs(y - height) > HALF_HEIGHT, (needed, needing, name)
            for name, (x, y) in ((needed, route[0]), (needing, route[-1])):
                assert abs(found.places[name][1] - y) < HALF_HEIGHT, "it begins and ends at a box"
                assert abs(abs(found.places[name][0] - x) - HALF_WIDTH) < 1e-9


def test_words_stay_within_their_boxes(shipped: PathGraph, monkeypatch, tmp_path: Path) -> None:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    figures, words = [], []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    write, monkeypatched = Axes.text, lambda axes, x, y, said, **how: words.append(write(axes, x, y, said, **how))
    monkeypatch.setattr(Axes, "text", monkeypatched)
    path_drawing.write_graph(shipped, tmp_path / "path.png")
    (figure,) = figures
    figure.canvas.draw()
    boxes = [patch.get_window_extent() for patch in figure.axes[0].patches if patch.get_zorder() == 3]
    assert len(boxes) == len(shipped.nodes)
    inside = [word for word in words if word.get_zorder() == 4]
    titles = " ".join(word.get_text() for word in inside)
    for node in shipped.nodes.values():
        assert node.title.split()[0] in titles
        assert node.title.split()[-1] in titles
    for word in inside:
        extent = word.get_window_extent()
        middle = (extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2
        (box,) = [box for box in boxes if box.contains(*middle)]
        assert box.x0 <= extent.x0, word.get_text()
        assert extent.x1 <= box.x1, word.get_text()
        assert box.y0 <= extent.y0, word.get_text()
        assert extent.y1 <= box.y1, word.get_text()
    for one, other in itertools.combinations([word.get_window_extent() for word in words], 2):
        assert not one.overlaps(other)


def test_the_graph_is_written_as_a_picture_and_as_data(tmp_path: Path, monkeypatch, capsys) -> None:
    workspace = workspace_with(tmp_path, "- [ ] Self-attention\n")
    monkeypatch.setenv("HEADWAY_WORKSPACE", str(workspace.root))
    monkeypatch.chdir(tmp_path)
    for name, begins in (("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.json", b"{")):
        for _ in range(2):
            assert main(["plan", "--graph", "-o", name]) == 0
            assert capsys.readouterr().err.startswith("25 topics: ")
        assert (tmp_path / name).read_bytes().startswith(begins)
    assert "Language models" in (tmp_path / "a.SVG").read_text(), "words are words, to be searched"
    facts = json.loads((tmp_path / "a.json").read_text())
    assert [topic["id"] for topic in facts["topics"] if topic["here"]] == ["attention"]
    assert not list(tmp_path.glob("*.bak")), "what was drawn here before is drawn anew"
    (tmp_path / "mine.json").write_text("{}")
    assert main(["plan", "--graph", "--out", "mine.json"]) == 0
    assert "kept as mine.json." in capsys.readouterr().err
    (kept,) = tmp_path.glob("mine.json.*.bak")
    assert kept.read_text() == "{}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--graph", "-o", "x.pdf"], "ends in .png, .svg or .json, not x.pdf"),
        (["--graph", "-o", "."], "is a folder"),
        (["--graph", "-o", "nowhere/x.png"], "there is no folder"),
        (["-o", "x.png"], "headway plan --graph -o x.png"),
        (["--graph", "attention"], "--graph draws all topics"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(tmp_path: Path, monkeypatch, capsys, words: list[str], said: str) -> None:
    workspace = workspace_with(tmp_path, "- [ ] Self-attention\n")
    monkeypatch.setenv("HEADWAY_WORKSPACE", str(workspace.root))
    monkeypatch.chdir(tmp_path)
    assert main(["plan", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in " ".join(err.split())
    assert err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w"]

"""The diagram of an architecture says what the model is: each parameter once, in the order in which things really happen."""

from __future__ import annotations

import json
import re
from itertools import combinations
from xml.etree import ElementTree

import pytest
from torch import nn

from headway.base.errors import HeadwayError, Unsupported
from headway.cli.shared.architectures import told
from headway.look.diagram import LEVELS, Diagram, diagram, text_places, times_place
from headway.look.layout import SMALL, text_width
from headway.models.catalog import CATALOG, build, entry
from tests.support.inputs import call
from tests.support.tiny import TINY

CASES = [(name, sizes) for name, configs in TINY.items() for sizes in configs]
IDS = [f"{name}-{n}" for name, configs in TINY.items() for n in range(len(configs))]
every_model = pytest.mark.parametrize(("name", "sizes"), CASES, ids=IDS)


@every_model
def test_every_parameter_is_in_one_box(name, sizes):
    model = build(name, **sizes)
    numbers = {path: parameter.numel() for path, parameter in model.named_parameters()}
    for level in LEVELS:
        drawn = diagram(model, level=level)
        assert drawn.parameters == sum(numbers.values())
        assert sum(box.parameters for box in drawn.boxes) + sum(drawn.unused.values()) == sum(numbers.values())
        if level in ("blocks", "block"):
            _holds_what_the_module_has(drawn, numbers)


def _holds_what_the_module_has(drawn: Diagram, numbers: dict[str, int]) -> None:
    """A box of a module counts that module's parameters, in every block of its frame, and each is counted once."""
    frames = {frame.block: frame for frame in drawn.frames}
    seen: set[str] = set()
    for box in drawn.boxes:
        if not box.path or not box.parameters:
            continue
        paths = [box.path]
        if box.block is not None:
            stem, first = box.block.rsplit(".", 1)
            times = frames[box.block].times
            paths = [f"{stem}.{int(first) + n}{box.path[len(box.block) :]}" for n in range(times)]
        own = {name for path in paths for name in numbers if name == path or name.startswith(f"{path}.")}
        assert sum(numbers[name] for name in own) == box.parameters, box.key
        assert not own & seen
        seen |= own


@every_model
def test_boxes_of_a_block_stand_in_the_order_in_which_its_modules_run(name, sizes):
    """Against hooks of our own on a model with weights: what the drawing's run on shapes alone found must be the same."""
    model = build(name, **sizes).eval()
    ran: list[str] = []
    for path, module in model.named_modules():
        module.register_forward_hook(lambda *_, path=path: ran.append(path))
    call(name, model)
    drawn = diagram(model, level="block")
    for frame in drawn.frames:
        boxes = [box.path for box in drawn.boxes if box.block == frame.block and box.path and box.path in ran]
        first = [ran.index(path) for path in boxes]
        assert boxes
        assert first == sorted(first)


WORDS = {
    "attention": "attention",
    "cross": "cross",
    "mlp": "mlp",
    "mixer": "mixer",
    "retention": "mixer",
    "+": "residual",
}


def told_order(line: str, sandwich: bool) -> list[str]:
    """The kinds that a line of arrows in a model's docstring names inside its brackets."""
    kinds = []
    for word in re.search(r"\[(.*?)\]", line)[1].split(" -> "):
        if word == "(norm)" and not sandwich:
            continue
        if "norm" in word:
            kinds.append("norm")
        elif word in ("attention to states", "cross"):
            kinds.append("cross")
        elif word.split()[-1] == "attention":
            kinds.append("attention")
        elif word == "router":
            continue  # the router and its experts are one box, the MLP
        else:
            kinds.append("mlp" if word == "top experts" else WORDS[word])
    return kinds


def block_lines(name: str) -> list[str]:
    """The lines of a docstring that tell what is in a block, in brackets."""
    return [line for line in told(entry(name)).flow if re.search(r"\[[^\]]*->[^\]]*\]", line)]


WITH_BLOCKS = [(name, sizes) for name, sizes in CASES if block_lines(name) and name != "seq2seq"]


@pytest.mark.parametrize(("name", "sizes"), WITH_BLOCKS, ids=[f"{n}-{i}" for i, (n, _) in enumerate(WITH_BLOCKS)])
def test_a_block_is_what_the_docstring_says(name, sizes):
    drawn = diagram(build(name, **sizes), level="block")
    lines, frames = block_lines(name), drawn.frames
    assert len(frames) == len(lines)
    for frame, line in zip(frames, lines, strict=True):
        kinds = [box.kind for box in drawn.boxes if box.block == frame.block and box.label not in ("scale", "gate")]
        said = told_order(line, sizes.get("sandwich", False))
        if name == "transformer":  # whose docstring leaves the sums and norms to the choice `norm`
            kinds = [kind for kind in kinds if kind not in ("norm", "residual")]
        assert kinds == said


@pytest.mark.parametrize("sizes", TINY["seq2seq"], ids=lambda sizes: sizes.get("attention", "additive"))
def test_seq2seq_attends_before_its_step_or_after_it(sizes):
    drawn = diagram(build("seq2seq", **sizes), level="block")
    order = [box.key for box in drawn.boxes]
    cell = order.index("decoder.cell")
    attends = [n for n, key in enumerate(order) if ":align:" in key]
    kind = sizes.get("attention", "additive")
    assert attends == [] if kind == "none" else all((n < cell) == (kind == "additive") for n in attends)
    assert kind == "none" or any(arrow.what == "back" for arrow in drawn.arrows)


def starts_of_sums(drawn: Diagram) -> set[str]:
    kinds = {box.key: box.kind for box in drawn.boxes}
    return {kinds[arrow.start] for arrow in drawn.arrows if arrow.what == "residual"}


def test_the_stream_passes_a_norm_where_the_paper_puts_one():
    assert starts_of_sums(diagram(build("gpt2", **TINY["gpt2"][0]))) == {"sum", "residual"}
    post, pre = (diagram(build("transformer", **TINY["transformer"][n])) for n in (0, 1))
    assert starts_of_sums(post) == {"sum", "norm"}
    assert starts_of_sums(pre) == {"sum", "residual"}


@pytest.mark.parametrize("name", ["transformer", "t5", "whisper"])
def test_the_decoder_looks_at_what_the_encoder_made(name):
    drawn = diagram(build(name, **TINY[name][1]))
    boxes = {box.key: box for box in drawn.boxes}
    arrows = [arrow for arrow in drawn.arrows if arrow.what == "cross"]
    assert [boxes[arrow.end].kind for arrow in arrows] == ["cross"]
    assert boxes[arrows[0].start].kind == "norm"
    assert boxes[arrows[0].start].column == 0


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma", "t5", "bert"])
def test_attention_opens_into_its_steps(name):
    for sizes in TINY[name]:
        model = build(name, **sizes)
        drawn = diagram(model, level="attention")
        attention = model.get_submodule("blocks.0.attn" if hasattr(model, "blocks") else "encoder.0.attn")
        home = next(path for path, module in model.named_modules() if module is attention)
        inside = {box.label: box for box in drawn.boxes if box.key.startswith((f"{home}.", f"{home}:"))}
        assert {"queries", "keys", "values", "scores", "softmax", "weighted sum", "out"} <= set(inside)
        arrows = {(arrow.start, arrow.end) for arrow in drawn.arrows}
        for before, after in (("scores", "softmax"), ("softmax", "weighted sum"), ("weighted sum", "out")):
            assert (inside[before].key, inside[after].key) in arrows
        assert (inside["values"].key, inside["weighted sum"].key) in arrows
        c = model.config
        width = getattr(c, "head_width", c.width // c.n_head)
        assert inside["queries"].size == f"{c.n_head} × {width}"
        assert inside["keys"].size == inside["values"].size == f"{getattr(c, 'n_group', c.n_head)} × {width}"
        assert inside["queries"].each * getattr(c, "n_group", c.n_head) == inside["values"].each * c.n_head
        whole = sum(parameter.numel() for parameter in attention.parameters())
        assert sum(box.each for box in drawn.boxes if box.key.startswith((f"{home}.", f"{home}:"))) == whole


# -------------------------------------------------------------------- the drawing


def overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize("name", CATALOG)
def test_nothing_in_the_drawing_overlaps(name):
    """With the sizes of the papers, whose numbers are long."""
    for level in LEVELS:
        _nothing_overlaps(diagram(name, level=level))


def _nothing_overlaps(drawn: Diagram) -> None:
    width, height = drawn.size
    boxes = {box.key: (box.x, box.y, box.x + box.width, box.y + box.height) for box in drawn.boxes}
    for (a, one), (b, other) in combinations(boxes.items(), 2):
        assert not overlap(one, other), (a, b)
    texts = []
    for box in drawn.boxes:
        for text, x, y, size in text_places(box):
            half = text_width(text, size) / 2
            texts.append((text, (x - half, y - size * 0.8, x + half, y + size * 0.2)))
            if box.kind not in ("input", "output"):
                assert 2 * half <= box.width + 0.01, (box.key, text)
    for frame in drawn.frames:
        (x, y), end = times_place(drawn, frame)
        wide = text_width(f"× {frame.times}", SMALL)
        left = x if end == "start" else x - wide
        if frame.times > 1:
            texts.append((f"× {frame.times}", (left, y - 9, left + wide, y + 2)))
    for (one, a), (other, b) in combinations(texts, 2):
        assert not overlap(a, b), (one, other)
    assert all(a[0] >= 0 and a[2] <= width and a[1] >= 0 and a[3] <= height for _, a in texts)
    assert all(0 <= x <= width and 0 <= y <= height for arrow in drawn.arrows for x, y in arrow.corners)
    assert width <= 404  # a telephone shows it at its own size, or nearly

    root = ElementTree.fromstring(drawn.svg())
    groups = [node for node in root.iter() if node.get("data-key")]
    assert [node.get("data-key") for node in groups] == list(boxes)
    assert all(node.get("tabindex") == "0" and node[0].tag.endswith("title") and node[0].text for node in groups)

    for columns in (60, 100):
        lines = drawn.lines(columns)
        assert all(line.cell_len <= columns for line in lines)
        assert all(any(box.label in line.plain for line in lines) for box in drawn.boxes)


def test_what_is_lit():
    assert [box.label for box in diagram("gpt2").boxes if box.lit] == ["causal attention"]
    assert [box.path for box in diagram("gpt2", lit="blocks.0.mlp").boxes if box.lit] == ["blocks.0.mlp"]
    assert [box.label for box in diagram("gpt2", level="blocks").boxes if box.lit] == ["block"]
    assert not any(box.lit for box in diagram("gpt2", lit=()).boxes)
    crossed = [box.label for box in diagram("transformer", lit="cross").boxes if box.lit]
    assert crossed == ["cross attention"]
    assert {box.label for box in diagram("gpt2", lit=("norm", "head")).boxes if box.lit} == {"norm", "head"}


def test_mistakes_are_named():
    with pytest.raises(HeadwayError, match=r"no 'attenton' to light in GPT-2.*attention"):
        diagram("gpt2", lit="attenton")
    with pytest.raises(HeadwayError, match="level is one of whole, blocks, block, attention, not 'inside'"):
        diagram("gpt2", level="inside")  # type: ignore[arg-type]
    with pytest.raises(Unsupported, match="no architecture 'gpt3'"):
        diagram("gpt3")
    with pytest.raises(Unsupported, match="Linear is none of them"):
        diagram(nn.Linear(2, 2))


def test_the_same_data_everywhere(tmp_path):
    drawn = diagram("smollm2-135m", level="attention")
    assert drawn.parameters == 134_515_008
    read = json.loads(drawn.save(tmp_path / "d.json").read_text())
    assert [box["key"] for box in read["boxes"]] == [box.key for box in drawn.boxes]
    assert drawn.save(tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")
    packed = drawn.packed()
    assert packed["drawing"] == drawn.svg()
    assert set(packed["about"]) == {box.key for box in drawn.boxes}
    assert "9,953,280 parameters, 7.4 % of all" in packed["about"]["blocks.0.attn.qkv#q"]
    assert "data-key" in drawn.page()

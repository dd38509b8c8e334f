"""The words for edits, as the command line takes them."""

from __future__ import annotations

import pytest

from headway import look
from headway.base.errors import HeadwayError
from headway.look import Norm, Off, Scale, parse


@pytest.mark.parametrize(
    ("words", "edit"),
    [
        ("3", Off(3)),
        (" 0 ", Off(0)),
        ("3.attention", Off(3, "attention")),
        ("3.cross", Off(3, "cross")),
        ("3.mlp", Off(3, "mlp")),
        ("3.2", Off(3, "attention", 2)),
        ("3.attention.2", Off(3, "attention", 2)),
        ("3.cross.2", Off(3, "cross", 2)),
        ("decoder.1", Off("decoder.1")),
        ("decoder.1.cross.0", Off("decoder.1", "cross", 0)),
        ("encoder.1.2", Off("encoder.1", "attention", 2)),
        ("vision.blocks.0", Off("vision.blocks.0")),
        ("vision.blocks.0.3", Off("vision.blocks.0", "attention", 3)),
        ("3.mlp.120=0", Scale(3, 120, 0.0)),
        ("3.mlp.120 = -1.5", Scale(3, 120, -1.5)),
        ("language.blocks.3.mlp.7=2e1", Scale("language.blocks.3", 7, 20.0)),
        ("norm=post", Norm("post")),
        ("norm = none", Norm("none")),
    ],
)
def test_words(words, edit):
    assert parse(words) == edit
    assert str(parse(words))


NO_EDITS = (
    *(
        "",
        "x",
        "3.",
        "-1",
        "3.5.7",
        "3.mlp.2",
        "3.mlp.x=0",
        "3.mlp.2=",
        "3.mlp.2=1e999",
        "3.mlp.2=nan",
        "norm",
        "norm=pre",
    ),
    *("3.layer", "3.attention=0", "attention", "3,4", "3 4", "blocks", "3.mlp.-1=0", "³"),
)


@pytest.mark.parametrize("words", NO_EDITS)
def test_what_is_no_edit_is_one_line(words):
    with pytest.raises(HeadwayError, match="names nothing to change") as error:
        parse(words)
    assert "\n" not in str(error.value)


def test_in_words():
    said = {
        Off(3): "layer 3 off",
        Off(3, "attention", 2): "head 2 of layer 3 off",
        Off(3, head=2): "head 2 of layer 3 off",
        Off("decoder.1", "cross", 0): "head 0 of the cross-attention of layer decoder.1 off",
        Off(3, "mlp"): "mlp of layer 3 off",
        Scale(3, 120, 0.0): "neuron 120 of layer 3 times 0",
        Norm("post"): "norms after the sums",
    }
    assert {edit: str(edit) for edit in said} == said


def test_the_names_stay_functions():
    """A module of the package may not take the name of one of its functions, whatever is imported afterwards."""
    import headway.look.diagram  # noqa: F401

    for name in look.__all__:
        assert callable(getattr(look, name)) or name == "Edit", name

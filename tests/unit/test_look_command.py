"""`headway look` from its command line: each picture, what -o writes, and what is refused after loading in one line."""

from __future__ import annotations

import json
import shlex
import sys

import pytest

from headway import look, zoo
from headway.cli.app import main

DRAWN = """
shakespeare-char "To be"                                            blocks.1.attn, mean of its heads
shakespeare-char "To be" --layer 3 --head 2                         blocks.3.attn, head 2
shakespeare-char "To be" --layer -1                                 blocks.3.attn, mean of its heads
shakespeare-char "a" --attention                                    0 a
shakespeare-char "To be" --lens                                     embedding
shakespeare-char "To be" --tokens                                   bits per token
shakespeare-char "To be" --sampling --temperature 0.5 --top-k 3     top-k 3
shakespeare-char "To be" --norms                                    loss
shakespeare-char --memory                                           shakespeare-char
shakespeare-char gpt2 --memory                                      gpt2
shakespeare-char --diagram                                          1,290,560 parameters
gpt2-xl --diagram                                                   gpt2-xl
numbers-gru "six" --alignment                                       attention
numbers-gru "six" --decay                                           ⟨
numbers-transformer "six" --off 1.0                                 head 0 of layer 1 off
numbers-transformer "six" --target 7                                decoder
shakespeare-char "To be" --off 2.mlp --norm post                    norms after the sums
"""

REFUSED = """
shakespeare-char "To be" --layer 9                   counted from 0 to 3
shakespeare-char "To be" --layer 3 --head 9          its heads are counted from 0 to 4
shakespeare-char "To be" --head -1                   its heads are counted from 0 to 4
shakespeare-char "To be" --off 9                     there is no layer 9
shakespeare-char "To be" --off 1.9                   there is no head 9
shakespeare-char "To be" --off 1.cross               no cross
shakespeare-char "To be" --scale 1.mlp.99999=0       no neuron 99999
shakespeare-char "To be" --patch 1:99=No             no token 99
shakespeare-char "♥"                                 alphabet
shakespeare-char "To be" --decay                     no state that decays
numbers-gru "six" --lens                             --tokens
numbers-gru "six" --off 1                            no layers to change
"""


def rows(table):
    return [tuple(part.strip() for part in line.rsplit("   ", 1)) for line in table.split("\n")[1:-1]]


@pytest.mark.parametrize(("line", "says"), rows(DRAWN))
def test_it_is_drawn(line, says, capsys):
    assert main(["look", *shlex.split(line)]) == 0
    assert says in capsys.readouterr().out


@pytest.mark.parametrize(("line", "says"), rows(REFUSED))
def test_it_is_refused_in_one_line(line, says, capsys):
    assert main(["look", *shlex.split(line)]) == 2
    told = capsys.readouterr()
    assert not told.out
    assert len(told.err.splitlines()) == 1
    assert says in told.err


def test_a_file_has_the_layer_and_head_that_were_asked_for(tmp_path, capsys):
    asked = ["look", "shakespeare-char", "To be", "--layer", "3", "--head", "2", "--off", "3.mlp", "-o"]
    for ending in ("json", "html", "png"):
        assert main([*asked, str(tmp_path / "new" / f"x.{ending}")]) == 0
    told = json.loads((tmp_path / "new" / "x.json").read_text())
    assert [layer["place"] for layer in told["layers"]] == ["blocks.3.attn"]
    assert (told["head"], told["edits"]) == (2, ["mlp of layer 3 off"])
    assert '"head": 2' in (tmp_path / "new" / "x.html").read_text()
    assert not capsys.readouterr().out


def test_of_a_long_text_a_layer_is_the_one_that_was_asked_for(monkeypatch):
    """Where not all layers fit, the picture says so, and a layer's number stays its own."""
    bard = zoo.load("shakespeare-char")
    monkeypatch.setattr(sys.modules["headway.look.attention"], "MOST", 5 * 5 * 5 * 2)
    some = look.attention(bard, "To be")
    assert [layer.place for layer in some.layers] == ["blocks.2.attn", "blocks.3.attn"]
    assert some.title.endswith("(the last 2 of 4 layers)")
    assert look.attention(bard, "To be", layers=[1]).layers[0].place == "blocks.1.attn"


def test_a_drawing_names_what_was_changed():
    gru, transformer = zoo.load("numbers-gru"), zoo.load("numbers-transformer")
    pictures = [
        look.attention(transformer, "six", edits=[look.Off(1, "mlp")]),
        look.alignment(transformer, "six", edits=[look.Off(1, "mlp")]),
        look.norms(transformer, "six", edits=[look.Off(1, "mlp")]),
    ]
    for picture in pictures:
        assert "mlp of layer 1 off" in picture.figure().get_suptitle()
    assert look.alignment(gru, "six").figure().get_suptitle().startswith("numbers-gru")


def test_a_picture_printed_says_once_what_it_shows_and_what_was_changed():
    transformer = zoo.load("numbers-transformer")
    for make in (look.attention, look.alignment, look.tokens):
        picture = make(transformer, "six", edits=[look.Off(1, "mlp")])
        lines = str(picture).splitlines()
        assert lines[:2] == [picture.title, "mlp of layer 1 off"]
        assert lines.count(picture.title) == 1

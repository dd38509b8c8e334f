"""Every picture of every model of text can be written in a terminal, drawn, and kept as JSON."""

from __future__ import annotations

import json

import pytest
import torch
from support.looked import TEXT, TINIES, target_of, tiny
from support.pictures_of import given

from headway import look
from headway.base.errors import HeadwayError
from headway.look.telling import printable

FIRST = [name for name, n in TINIES if n == 0]
MAKERS = (look.lens, look.tokens, look.sampling, look.norms, look.decay)
DRAWN = {
    "lens": {"bigram", "mlp_lm", "seq2seq"},
    "tokens": set(),
    "sampling": {"bert", "roberta"},
    "norms": {"bigram", "mlp_lm", "seq2seq"},
    "decay": set(FIRST) - {"gru", "lstm", "seq2seq", "retnet", "s4d", "mamba", "mamba2"},
}
"""Picture -> the architectures that have none."""


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", FIRST)
def test_it_is_told_drawn_and_kept_or_refused(name, make):
    loaded = tiny(name)
    if name in DRAWN[make.__name__]:
        with pytest.raises(HeadwayError):
            make(loaded, TEXT, target=target_of(loaded))
        return
    picture = make(loaded, TEXT, target=target_of(loaded))
    for width in (60, 100):
        assert max(line.cell_len for line in picture.lines(width)) <= width
    for way in (picture.as_dict(), picture.packed()):
        assert json.loads(json.dumps(way, allow_nan=False))["picture"] == make.__name__
    assert picture.figure().axes


@pytest.mark.parametrize("ending", ["png", "svg", "json", "html"])
def test_files_have_their_kind(ending, tmp_path):
    loaded = tiny("gpt2")
    edits = [look.Off(0, "mlp")]
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "json": b"{", "html": b"<!doctype html>"}
    for make in MAKERS[:4]:
        path = make(loaded, TEXT, edits=edits).save(tmp_path / f"{make.__name__}.{ending}")
        content = path.read_bytes()
        assert content.startswith(begins[ending])
        if ending in ("json", "html"):
            assert b"mlp of layer 0 off" in content


def test_signs_that_the_font_lacks_become_boxes():
    assert printable("a$b⏎ 漢") == r"a\$b⏎ □"


def test_what_a_whisper_writes_is_looked_into_like_any_text():
    whisper, frames, said = given("whisper")
    logits = look.trace(whisper, frames, target=said).logits.float()
    lens, tokens = look.lens(whisper, frames, target=said), look.tokens(whisper, frames, target=said)
    torch.testing.assert_close(lens.probabilities[-1], logits.softmax(-1).topk(5).values)
    torch.testing.assert_close(tokens.alternative_probabilities[1:], logits.softmax(-1).topk(5).values)
    assert [stack.side for stack in look.norms(whisper, frames, target=said).stacks] == ["source", "target"]
    torch.testing.assert_close(
        look.sampling(whisper, frames, target=said).steps[0].probabilities[0], logits[-1].softmax(-1).max()
    )

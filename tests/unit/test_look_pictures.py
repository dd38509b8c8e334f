"""Attention, patches, likeness and alignment: what is in them, in the terminal, as JSON and as a drawing."""

from __future__ import annotations

import itertools
import json

import pytest
import torch
from support.looks import loaded
from support.numerics import make
from support.pictures_of import PICTURES, attention_of, given
from support.tiny import TINY
from torch import nn

from headway import look
from headway.base.errors import HeadwayError
from headway.look.alignment import warped
from headway.look.patches import rollout
from headway.models.catalog import CATALOG
from headway.use.pictures import as_seen


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("width", [60, 100])
def test_lines_fit_the_terminal(name, width):
    lines = PICTURES[name].lines(width)
    assert len(lines) > 1
    assert max(line.cell_len for line in lines) <= width
    assert all("\n" not in line.plain for line in lines)


@pytest.mark.parametrize("name", PICTURES)
def test_it_is_json_and_a_drawing_and_a_page(name, tmp_path):
    picture = PICTURES[name]
    told = json.loads(picture.save(tmp_path / "x.json").read_text())
    assert told["picture"] == picture.kind
    assert told["title"] == picture.title
    assert picture.save(tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    page = picture.save(tmp_path / "x.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page


# Attention


def test_every_architecture_that_has_weights_is_drawn():
    for name in CATALOG:
        if name in ("bigram", "mlp_lm", "gru", "lstm"):
            continue
        picture = attention_of(name)
        assert picture.layers, name
        assert str(picture)


def test_what_may_not_be_seen():
    causal, windows, both = PICTURES["causal"].layers[0], PICTURES["windows"].layers[0], attention_of("bert").layers[0]
    t = causal.seen.shape[0]
    assert torch.equal(causal.seen, torch.ones(t, t, dtype=torch.bool).tril())
    assert torch.equal(windows.seen, torch.ones(t, t, dtype=torch.bool).tril().triu(-4))  # TINY's window of 5
    assert both.seen.all()


def test_groups_heads_and_names():
    picture = PICTURES["causal"]
    assert [layer.name for layer in picture.layers] == ["layer 0", "layer 1"]
    assert {layer.groups for layer in picture.layers} == {TINY["llama"][0]["n_group"]}
    assert picture.layers[0].heads == tuple(f"head {n}" for n in range(TINY["llama"][0]["n_head"]))
    cross = PICTURES["cross"].layers
    assert [(layer.name, layer.rows, layer.columns) for layer in cross] == [
        ("encoder 0", "source", "source"),
        ("encoder 1", "source", "source"),
        ("decoder 0", "target", "target"),
        ("decoder 0, to the source", "target", "source"),
        ("decoder 1", "target", "target"),
        ("decoder 1, to the source", "target", "source"),
    ]
    towers = PICTURES["two towers"].layers
    assert [(layer.name, layer.rows) for layer in towers] == [("vision 0", "picture"), ("text 0", "text")]


def test_the_layer_shown_first():
    assert PICTURES["cross"].layers[PICTURES["cross"].first].name == "decoder 1, to the source"
    assert PICTURES["cross"].lines()[0].plain == "decoder.1.cross, mean of its heads"
    assert attention_of("gemma", 2).first == 1  # of three


def test_layers_are_chosen():
    assert [layer.name for layer in attention_of("llama", layers=[1]).layers] == ["layer 1"]
    assert [layer.name for layer in attention_of("llama", layers=[-1]).layers] == ["layer 1"]
    with pytest.raises(HeadwayError, match="there is no layer 2: they are counted from 0 to 1"):
        attention_of("llama", layers=[2])


def test_inputs_that_are_none_are_one_line(tmp_path):
    for name, wrong, target, said in (
        ("llama", 3, None, "takes a text, not int"),
        ("llama", "text", "more", "takes one input"),
        ("vit", str(tmp_path / "no.png"), None, "there is no picture"),
        ("vit", 3, None, "takes a picture, not int"),
        ("vit", torch.zeros(4, 4), None, r"pixels are \(channels, height, width\)"),
        ("llava", torch.zeros(2, 8, 8), None, "give a question as well"),
        ("whisper", torch.zeros(3, 4, 5), "a", "takes a .wav file, samples"),
        ("whisper", str(tmp_path / "no.wav"), "a", "there is no file"),
        ("decision_transformer", 3, None, "takes an episode"),
    ):
        with pytest.raises(HeadwayError, match=said) as error:
            look.attention(loaded(name, make(name, 0)), wrong, target=target)
        assert "\n" not in str(error.value)


# Patches


def test_rollout_is_what_comes_through():
    """Against the sum over every way through the layers."""
    draw = torch.Generator().manual_seed(0)
    layers = [torch.rand(4, 4, generator=draw, dtype=torch.float64).softmax(-1) for _ in range(3)]
    steps = [(A + torch.eye(4)) / 2 for A in layers]
    wanted = torch.zeros(4, 4, dtype=torch.float64)
    for a, b, c, d in itertools.product(range(4), repeat=4):
        wanted[d, a] += steps[0][b, a] * steps[1][c, b] * steps[2][d, c]
    found = rollout(layers)
    assert torch.allclose(found[-1], wanted)
    assert torch.allclose(found[0], steps[0])
    for after in found:
        assert torch.allclose(after.sum(-1), torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "n", "before"), [("vit", 0, 1), ("vit", 2, 4), ("vit", 3, 1), ("clip", 0, 1), ("llava", 0, 1)]
)
def test_patches_hold_what_each_takes(name, n, before):
    model, pixels, target = given(name, n)
    picture = look.patches(model, pixels, target=target)
    mixes = [
        mix for mix in look.trace(model, pixels, target=target).mixes if name == "vit" or mix.place.startswith("vision")
    ]
    assert (picture.grid, picture.before) == ((2, 2), before)
    assert [layer.place for layer in picture.layers] == [mix.place for mix in mixes]
    for layer, mix in zip(picture.layers, mixes, strict=True):
        wanted = mix.weights().float()[:, :, before:]
        assert torch.allclose(layer.weights, wanted)
        assert torch.allclose(layer.first, wanted[:, 0])
    assert picture.rollout.shape == (len(mixes), 4)
    assert torch.allclose(picture.flow[0], picture.rollout[-1])
    assert (picture.importance is None) == (n != 3)


def test_importance_is_the_models_own():
    model, pixels, _ = given("vit", 3)
    with torch.no_grad():
        wanted = model.model(pixels[None]).sigmoid()[0].float()
    assert torch.equal(look.patches(model, pixels).importance, wanted)


def test_edits_reach_the_patches():
    model, pixels, _ = given("vit")
    plain, changed = look.patches(model, pixels), look.patches(model, pixels, edits=[look.Off(0, "mlp")])
    assert torch.equal(plain.layers[0].weights, changed.layers[0].weights)
    assert not torch.allclose(plain.layers[1].weights, changed.layers[1].weights)
    assert changed.edits == ("mlp of layer 0 off",)


def test_who_sees_no_pictures_says_so():
    with pytest.raises(HeadwayError, match="sees no pictures"):
        look.patches(loaded("gpt2", make("gpt2", 0)), "a text")


def test_a_picture_is_shown_as_it_is_seen():
    model, pixels, _ = given("vit")
    shown = as_seen(model, pixels[None])
    assert shown.shape == (8, 8, 3)
    assert 0 <= float(shown.min()) <= float(shown.max()) <= 1


# Likeness


def test_cosines_are_those_of_the_vectors():
    model, text, _ = given("bert", 4)
    texts = [text, "another text", "third"]
    picture = look.likeness(model, texts)
    with torch.no_grad():
        vectors = torch.cat([model.model.sentence(torch.tensor([model.encode(one)])) for one in texts])
    wanted = nn.functional.cosine_similarity(vectors[:, None], vectors[None], dim=-1)
    assert torch.allclose(picture.cosines, wanted.float(), atol=1e-6)
    assert (picture.rows, picture.columns, picture.temperature) == (tuple(texts), tuple(texts), None)


def test_clip_holds_pictures_against_texts():
    model, pixels, caption = given("clip")
    picture = look.likeness(model, [pixels, -pixels], [caption, "brown"])
    with torch.no_grad():
        for r, seen in enumerate((pixels, -pixels)):
            for c, text in enumerate((caption, "brown")):
                logit = model.model(seen[None], torch.tensor([model.encode(text)]))
                assert float(picture.cosines[r, c] * picture.temperature) == pytest.approx(float(logit), rel=1e-5)
    assert torch.allclose(picture.shares(), (picture.cosines * picture.temperature).softmax(-1))
    assert torch.allclose(picture.shares(0.0), torch.full((2, 2), 0.5))
    assert picture.pictures.shape == (2, 56, 56, 3)
    assert picture.columns == (caption, "brown")


def test_edits_reach_the_vectors():
    model, text, _ = given("bert", 4)
    changed = look.likeness(model, [text, "another"], edits=[look.Off(0)])
    assert not torch.allclose(changed.cosines, look.likeness(model, [text, "another"]).cosines)


def test_what_cannot_be_compared_is_one_line():
    bert, clip, gpt2 = (loaded(name, make(name, 0)) for name in ("bert", "clip", "gpt2"))
    for model, some, texts, said in (
        (gpt2, ["a", "b"], None, "makes no vectors"),
        (bert, [], None, "nothing to compare"),
        (bert, ["a"], ["b"], "CLIP does"),
        (bert, [3], None, "reads texts"),
        (clip, [torch.zeros(2, 8, 8)], [], "nothing to compare"),
    ):
        with pytest.raises(HeadwayError, match=said):
            look.likeness(model, some, texts)


# Alignment


def test_the_best_way_through():
    """Against every way, on a small table."""

    def ways(i: int, j: int, t: int, s: int):
        if (i, j) == (t - 1, s - 1):
            yield [(i, j)]
        for di, dj in ((1, 1), (1, 0), (0, 1)):
            if i + di < t and j + dj < s:
                for rest in ways(i + di, j + dj, t, s):
                    yield [(i, j), *rest]

    for seed in range(8):
        score = torch.randn(3, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        best = max(ways(0, 0, 3, 5), key=lambda way: sum(float(score[i, j]) for i, j in way))
        assert warped(score) == [min(j for i, j in best if i == row) for row in range(3)]


def test_what_was_written_from_what():
    model, source, target = given("transformer")
    picture = look.alignment(model, source, target=target)
    trace = look.trace(model, source, target=target)
    cross = [mix.weights().float() for mix in trace.mixes if mix.place.endswith(".cross")]
    assert torch.allclose(picture.weights, torch.cat(cross).mean(0)[:-1])
    assert picture.rows == trace.feed.texts["target"][1:]
    assert len(picture.rows) == len(picture.weights) == len(target)
    one = look.alignment(model, source, target=target, layers=[1])
    assert torch.allclose(one.weights, cross[1].mean(0)[:-1])
    assert one.how == "mean of all heads of decoder 1"
    with pytest.raises(HeadwayError, match="no layer 2"):
        look.alignment(model, source, target=target, layers=[2])


def test_the_recurrent_models_only_attention():
    model, source, target = given("seq2seq")
    picture = look.alignment(model, source, target=target)
    assert picture.how == "the decoder's one attention"
    assert torch.allclose(picture.weights.sum(-1), torch.ones(len(target)))
    with pytest.raises(HeadwayError, match="does not attend to its source"):
        look.alignment(*given("seq2seq", 1)[:2], target=target)
    with pytest.raises(HeadwayError, match="writes nothing from a source"):
        look.alignment(*given("gpt2")[:2])


def test_words_follow_each_other_in_time():
    model, frames, _ = given("whisper")
    picture = look.alignment(model, frames, target="qu ick fox")
    assert picture.rows[-1] != "<|endoftext|>"
    assert picture.sound.shape == frames.shape
    assert len(picture.rows) == len(picture.weights) == len(picture.best)
    assert list(picture.best) == sorted(picture.best)
    ends = [0.0, *(time for word in picture.words for time in (word.begin, word.end))]
    assert ends == sorted(ends)
    assert ends[-1] <= picture.seconds == pytest.approx(frames.shape[1] / 100)
    assert picture.words[-1].rows[1] == len(picture.rows)
    assert torch.allclose(picture.weights.sum(-1), torch.ones(len(picture.rows)))

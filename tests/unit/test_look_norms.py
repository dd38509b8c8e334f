"""Sizes of the stream and of gradients are those that hooks and autograd find by hand."""

from __future__ import annotations

import math

import pytest
import torch
from support.looked import TEXT, TINIES, target_of, tiny

from headway import look
from headway.base.errors import HeadwayError
from headway.blocks.tap import watch
from headway.use.texts import ids_of

LAYERED = [(name, n) for name, n in TINIES if name not in ("bigram", "mlp_lm", "seq2seq")]


def _loss(loaded, found):
    """The mean surprise, in nats, by hand."""
    logits, ids = found.logits, found.feed.ids
    if loaded.entry.kind != "encoder":
        logits, ids = logits[:-1], ids[1:]
    return -logits.float().log_softmax(-1)[torch.arange(len(ids)), ids].mean()


@pytest.mark.parametrize(("name", "n"), LAYERED)
def test_gradients_are_those_of_autograd_by_hand(name, n):
    loaded = tiny(name, n)
    picture = look.norms(loaded, TEXT, target=target_of(loaded))
    if loaded.entry.kind == "encoder" and loaded.model.mlm is None:
        assert math.isnan(picture.loss)
        assert all(bool(stack.gradient.isnan().all()) for stack in picture.stacks)
        return
    found = look.trace(loaded, TEXT, target=target_of(loaded), gradients=True)
    loss = _loss(loaded, found)
    assert picture.loss == pytest.approx(float(loss.detach()), rel=1e-5)
    last = found.stream[list(found.stream)[-1]]
    last.retain_grad()
    loss.backward()
    torch.testing.assert_close(picture.stacks[-1].gradient[-1], last.grad[0].float().norm(dim=-1))
    by_hand = sum(float(w.grad.square().sum()) for w in loaded.model.parameters() if w.grad is not None)
    assert sum(group.gradient**2 for group in picture.groups) == pytest.approx(by_hand, rel=1e-4)
    assert sum(group.count for group in picture.groups) == sum(w.numel() for w in loaded.model.parameters())


@pytest.mark.parametrize("name", ["gpt2", "llama", "retnet", "mamba2", "s4d", "transformer"])
def test_streams_are_what_passes_through_the_taps(name):
    loaded = tiny(name)
    picture = look.norms(loaded, TEXT, target=target_of(loaded), gradients=False)
    with watch(loaded.model) as seen, torch.no_grad():
        look.trace(loaded, TEXT, target=target_of(loaded))
    for stack in picture.stacks:
        for place, sizes in zip(stack.places[1:], stack.stream[1:], strict=True):
            number, _, part = place.partition(".")
            torch.testing.assert_close(sizes, seen[f"{stack.name}.{number}.after_{part}"][0].float().norm(dim=-1))


def test_what_attention_added_is_what_it_returned():
    loaded = tiny("gpt2")
    outputs = {}
    for n, block in enumerate(loaded.model.blocks):
        for part in ("attn", "mlp"):
            getattr(block, part).register_forward_hook(lambda m, i, o, at=f"{n}.{part}": outputs.__setitem__(at, o))
    picture = look.norms(loaded, TEXT)
    (stack,) = picture.stacks
    for place, output in outputs.items():
        sizes = stack.added[stack.places.index(place)]
        torch.testing.assert_close(sizes, output[0].detach().float().norm(dim=-1))


def test_a_layer_that_is_off_adds_nothing_and_a_part_that_is_off_gets_no_gradient():
    loaded = tiny("llama")
    picture = look.norms(loaded, TEXT, edits=[look.Off(1)])
    (stack,) = picture.stacks
    for place in ("1.attn", "1.mlp"):
        assert not stack.added[stack.places.index(place)].any()
    picture = look.norms(loaded, TEXT, edits=[look.Off(0, "mlp")])
    (stack,) = picture.stacks
    assert not stack.added[stack.places.index("0.mlp")].any()
    (group,) = [group for group in picture.groups if group.name == "blocks.0.mlp"]
    assert group.gradient == 0


def test_frozen_parameters_are_measured_and_stay_frozen():
    loaded = tiny("gpt2")
    plain = look.norms(loaded, TEXT)
    loaded.model.requires_grad_(False)
    assert look.norms(loaded, TEXT).groups == plain.groups
    assert not any(weight.requires_grad for weight in loaded.model.parameters())
    assert all(weight.grad is None for weight in loaded.model.parameters())


def test_a_text_of_one_token_has_no_loss():
    picture = look.norms(tiny("gpt2"), "a")
    assert math.isnan(picture.loss)
    assert "gradient" not in picture.lines()[0].plain


def test_a_model_without_layers_is_refused():
    loaded = tiny("bigram")
    assert ids_of(loaded, TEXT).shape[1] == len(TEXT)
    with pytest.raises(HeadwayError, match="no layers"):
        look.norms(loaded, TEXT)

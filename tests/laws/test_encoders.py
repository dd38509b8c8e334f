"""Laws of encoders of text: padding, batches, looking both ways, and the padding-free path."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.inputs import like
from support.numerics import DEVICE, close, few, make
from support.tiny import TINY

from headway.base.errors import HeadwayError
from headway.blocks.packed import Packing, speed_by_padding
from headway.models.catalog import CATALOG

ENCODERS = [(name, n) for name, e in CATALOG.items() if e.kind == "encoder" for n in range(len(TINY[name]))]


def draw(model, b: int, t: int, seed: int = 1):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, model.config.vocab_size, (b, t), generator=generator)
    segments = torch.randint(0, model.config.n_segment, (b, t), generator=generator)
    return like(model, tokens), like(model, segments)


def parts(out) -> tuple[torch.Tensor, ...]:
    return out if isinstance(out, tuple) else (out,)


@st.composite
def ragged(draw, rows: int = 3):
    """A mask of rows padded on one side each, each with at least one real token."""
    t = draw(st.integers(1, 12))
    mask = torch.zeros(rows, t, dtype=torch.bool)
    for row in range(rows):
        length = draw(st.integers(1, t))
        mask[row, t - length :] = draw(st.booleans())
        mask[row, :length] |= not bool(mask[row].any())
    return mask


class TestEncoder:
    CONFIGURATIONS = ENCODERS

    @few(5)
    @given(mask=ragged(), packed=st.booleans())
    def test_a_padded_row_is_the_row_alone(self, name, n, numerics, mask, packed):
        model, mask = make(name, n, numerics), mask.to(DEVICE)
        tokens, segments = draw(model, *mask.shape)
        with torch.no_grad():
            states = model.hidden(tokens, mask, segments=segments, packed=packed)
            together = parts(model(tokens, mask, segments=segments, packed=packed))
            sentences = model.sentence(tokens, mask, packed=packed)
            for row, real in enumerate(mask):
                own, own_segments = tokens[row][real][None], segments[row][real][None]
                close(states[row][real][None], model.hidden(own, segments=own_segments))
                for whole, alone in zip(together, parts(model(own, segments=own_segments)), strict=True):
                    there = whole[row] if alone.dim() == 2 else whole[row][real]
                    close(there[None], alone, f"row {row}")
                close(sentences[row : row + 1], model.sentence(own))
        assert torch.isfinite(states).all(), "padding may mean nothing, but it may not be NaN"

    @few(5)
    @given(mask=ragged(rows=4))
    def test_without_padding_outputs_and_gradients_are_the_same(self, name, n, numerics, mask):
        model, mask = make(name, n, numerics), mask.to(DEVICE)
        tokens, segments = draw(model, *mask.shape)
        gradients, states = [], []
        for packed in (False, True):
            model.zero_grad()
            out = model.hidden(tokens, mask, segments=segments, packed=packed)[mask]
            (out * like(model, torch.linspace(-1, 1, out.numel(), dtype=torch.float64)).view_as(out)).sum().backward()
            gradients.append({key: p.grad.clone() for key, p in model.named_parameters() if p.grad is not None})
            states.append(out.detach())
        close(states[1], states[0])
        if numerics.dtype is torch.float64:
            for key, gradient in gradients[0].items():
                close(gradients[1][key], gradient, f"gradient of {key}")
        else:  # all at once: that of a key's bias is zero but for roundings, and has no scale of its own
            together = [torch.cat([gradient.flatten() for gradient in each.values()]) for each in gradients]
            close(together[1], together[0], "gradient")

    def test_every_token_sees_every_other(self, name, n):
        model = make(name, n)
        tokens, _ = draw(model, 1, 6)
        with torch.no_grad():
            before = model.hidden(tokens)
            for at in range(6):
                other = tokens.clone()
                other[0, at] = (other[0, at] + 1) % model.config.vocab_size
                assert ((model.hidden(other) - before).abs().amax(-1) > 0).all()

    def test_order_and_segment_matter(self, name, n):
        model = make(name, n)
        tokens, segments = draw(model, 1, 6)
        with torch.no_grad():
            there, back = model.hidden(tokens), model.hidden(tokens.flip(1)).flip(1)
            assert not torch.allclose(there, back)
            if model.config.n_segment > 1:
                other = (segments + 1) % model.config.n_segment
                assert not torch.allclose(model.hidden(tokens, segments=segments), model.hidden(tokens, segments=other))
            close(model.hidden(tokens), model.hidden(tokens, segments=torch.zeros_like(tokens)))

    def test_hidden_and_readout_are_the_forward(self, name, n, numerics):
        model = make(name, n, numerics)
        tokens, segments = draw(model, 2, 6)
        with torch.no_grad():
            split = parts(model.readout(model.hidden(tokens, segments=segments)))
            for one, other in zip(split, parts(model(tokens, segments=segments)), strict=True):
                close(one, other)

    def test_a_text_too_long_or_a_mask_that_fits_nothing_is_one_line(self, name, n):
        model = make(name, n)
        tokens, _ = draw(model, 2, model.config.context + 1)
        with pytest.raises(HeadwayError, match="positions"):
            model(tokens)
        with pytest.raises(HeadwayError, match=r"mask must be a boolean \(2, 3\)"):
            model(tokens[:, :3], torch.ones(2, 3, device=DEVICE))
        with pytest.raises(HeadwayError, match="row 1 of mask has no real token"):
            model(tokens[:, :3], torch.tensor([[True, True, False], [False] * 3], device=DEVICE))

    def test_compiled_is_eager(self, name, n):
        model = make(name, n)
        tokens, segments = draw(model, 2, 9)
        compiled = torch.compile(copy.deepcopy(model), backend="aot_eager", fullgraph=True)
        with torch.no_grad():
            for one, other in zip(
                parts(compiled(tokens, segments=segments)), parts(model(tokens, segments=segments)), strict=True
            ):
                close(one, other)
        torch._dynamo.reset()

    def test_another_head_keeps_the_encoder(self, name, n):
        model = make(name, n)
        other = model.with_head("sequence", ("a", "b", "c")).eval()
        tokens, _ = draw(model, 2, 6)
        with torch.no_grad():
            assert other(tokens).shape == (2, 3)
            close(other.hidden(tokens), model.hidden(tokens))
        assert other.blocks[0].attn.qkv.weight is model.blocks[0].attn.qkv.weight


@few(5)
@given(mask=ragged(rows=5))
def test_packing_and_unpacking(mask):
    packing, x = Packing.of(mask), torch.randn(*mask.shape, 3)
    assert torch.equal(packing.pack(x), x[mask])
    assert torch.equal(packing.unpack(packing.pack(x)), x * mask[..., None])
    found = sorted(place for group in packing.groups for place in group.flatten().tolist())
    assert found == list(range(int(mask.sum())))


def test_speed_is_measured_at_every_share_of_padding():
    model = make("bert", 4)
    found = speed_by_padding(model, b=4, t=20, fractions=(0.0, 0.5, 0.9), rounds=1)
    assert [speed.padding for speed in found] == sorted(speed.padding for speed in found)
    assert found[0].padding == 0
    assert all(speed.padded > 0 and speed.packed > 0 and speed.ratio > 0 for speed in found)

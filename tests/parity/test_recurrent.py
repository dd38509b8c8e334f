"""GRU and LSTM equal PyTorch's; their loops by hand equal the kernels; the older models their formulas."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.parity import assert_close, randomise
from torch import nn

from headway.blocks.recurrent import gru, gru_by_hand, lstm, lstm_by_hand, state_at, turned
from headway.models.bigram import Bigram, BigramConfig
from headway.models.gru import GRU, GRUConfig
from headway.models.lstm import LSTM, LSTMConfig
from headway.models.mlp_lm import MLPLM, MLPLMConfig

few = settings(max_examples=12, deadline=None)

PAIRS = {"gru": (GRU, GRUConfig, nn.GRU), "lstm": (LSTM, LSTMConfig, nn.LSTM)}


@pytest.mark.parametrize("kind", PAIRS)
@few
@given(data=st.data())
def test_equals_torch(kind, data):
    ours_class, config_class, theirs_class = PAIRS[kind]
    width, state, n_layer = (data.draw(st.integers(1, high)) for high in (9, 9, 3))
    b, t, seed = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 15)), data.draw(st.integers(0, 99))
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        ours = ours_class(config_class(vocab_size=11, width=width, state=state, n_layer=n_layer)).to(dtype)
        randomise(ours, seed)
        theirs = theirs_class(width, state, n_layer, batch_first=True, dtype=dtype)
        names = {
            "weight_ih": "input.weight",
            "weight_hh": "state.weight",
            "bias_ih": "input.bias",
            "bias_hh": "state.bias",
        }
        carried = {
            f"{name}_l{n}": cell.get_parameter(own) for n, cell in enumerate(ours.blocks) for name, own in names.items()
        }
        theirs.load_state_dict({key: value.detach().clone() for key, value in carried.items()})
        tokens = torch.randint(0, 11, (b, t), generator=torch.Generator().manual_seed(seed))
        states, last = theirs(ours.embed(tokens))
        embedded_gradient = torch.autograd.grad(
            ours.head(states).square().sum(), [*theirs.parameters(), ours.embed.weight]
        )
        got = ours(tokens)
        assert_close(got, ours.head(states), tolerance)
        if dtype == torch.float64:
            gradients = torch.autograd.grad(got.square().sum(), [*carried.values(), ours.embed.weight])
            wanted = dict(zip([*dict(theirs.named_parameters()), "embed"], embedded_gradient, strict=True))
            for name, gradient in zip([*carried, "embed"], gradients, strict=True):
                assert_close(gradient, wanted[name], tolerance, f"gradient of {name}")
            cache = ours.new_cache(b, t)
            with torch.no_grad():
                ours(tokens, cache)
            final = last if kind == "gru" else last[0]
            for n in range(n_layer):
                assert_close(cache.layers[n].read()["h"], final[n], tolerance)
                if kind == "lstm":
                    assert_close(cache.layers[n].read()["c"], last[1][n], tolerance)


@few
@given(data=st.data())
def test_by_hand_equals_the_kernel(data):
    b, t, d, n = (data.draw(st.integers(1, high)) for high in (4, 12, 7, 7))
    draw = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    for gates, hand, fast in ((3, gru_by_hand, gru), (4, lstm_by_hand, lstm)):
        shapes = [
            (b, t, d),
            *[(b, n)] * (1 if gates == 3 else 2),
            (gates * n, d),
            (gates * n, n),
            (gates * n,),
            (gates * n,),
        ]
        parts = [torch.randn(shape, generator=draw, dtype=torch.float64).requires_grad_() for shape in shapes]
        one, other = hand(*parts), fast(*parts)
        if gates == 4:
            assert_close(other[1], one[1][:, -1], 1e-12)
            one, other = one[0], other[0]
        assert_close(other, one, 1e-12)
        pull = torch.randn(one.shape, generator=draw, dtype=torch.float64)
        for mine, its in zip(
            torch.autograd.grad(one, parts, pull), torch.autograd.grad(other, parts, pull), strict=True
        ):
            assert_close(its, mine, 1e-10)


@few
@given(data=st.data())
def test_states_at_and_turning(data):
    b, t = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 8))
    lengths = torch.tensor([data.draw(st.integers(0, t)) for _ in range(b)])
    x, start = torch.randn(b, t, 3), torch.randn(b, 3)
    for row, length in enumerate(lengths.tolist()):
        assert torch.equal(turned(x, lengths)[row, :length], x[row, :length].flip(0))
        assert torch.equal(turned(x, lengths)[row, length:], x[row, length:])
        assert torch.equal(state_at(x, start, lengths)[row], x[row, length - 1] if length else start[row])
    assert torch.equal(turned(x, None), x.flip(1))
    assert torch.equal(state_at(x, start, None), x[:, -1])


@pytest.mark.parametrize("direct", [True, False])
def test_the_neural_language_model_is_equation_1(direct):
    config = MLPLMConfig(vocab_size=11, context=3, width=4, ff_width=6, direct=direct)
    model = MLPLM(config).double()
    randomise(model, 1)
    tokens = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6]])
    logits = model(tokens)[0]
    c, u_and_w, b = model.embed.weight, model.head.weight, model.head.bias
    for at in range(8):
        vectors = [c[tokens[0, i]] if i >= 0 else torch.zeros(4, dtype=torch.float64) for i in range(at - 2, at + 1)]
        x = torch.cat(vectors)
        y = b + u_and_w[:, :6] @ torch.tanh(model.up.bias + model.up.weight @ x)
        if direct:
            y = y + u_and_w[:, 6:] @ x
        assert_close(logits[at], y, 1e-12)


def test_counting_is_the_closed_form_of_training():
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, 5, (400,), generator=draw)
    model = Bigram(BigramConfig(vocab_size=5)).double()
    model.fit(tokens, smoothing=0.0)
    loss = nn.functional.cross_entropy(model(tokens[None, :-1])[0], tokens[1:])
    (gradient,) = torch.autograd.grad(loss, model.embed.weight)
    assert float(gradient.abs().max()) < 1e-12, "the counts are where the gradient vanishes"
    model.fit(torch.tensor([0, 1]), smoothing=1.0)
    row = model(torch.tensor([[0, 3]]))[0].softmax(-1)
    assert_close(
        row, torch.tensor([[1, 2, 1, 1, 1], [1, 1, 1, 1, 1]], dtype=torch.float64) / torch.tensor([[6], [5]]), 1e-12
    )


def test_no_gradient_leaves_the_call():
    model = GRU(GRUConfig(vocab_size=7, width=3, state=4))
    cache = model.new_cache(1, 8)
    model(torch.tensor([[1, 2, 3]]), cache)
    model(torch.tensor([[4]]), cache).sum().backward()
    touched = model.embed.weight.grad.abs().sum(-1) > 0
    assert touched.tolist() == [False, False, False, False, True, False, False]

"""What is left of a token is what the model's own recurrence leaves of it."""

from __future__ import annotations

import math

import pytest
import torch
from support.looked import TEXT, target_of, tiny

from headway import look
from headway.base.errors import HeadwayError
from headway.blocks.diagonal import diagonal_by_hand
from headway.blocks.recurrent import gru_by_hand, lstm_by_hand
from headway.blocks.retention import decays
from headway.blocks.scan import scan_by_hand
from headway.blocks.ssd import ssd_by_hand

T = len(TEXT)


def _mixes(loaded):
    return look.trace(loaded, TEXT).mixes


@pytest.mark.parametrize("n", range(3))
def test_mamba(n):
    """A number of state after a token is what was left of it, and what the token wrote."""
    loaded = tiny("mamba", n)
    picture = look.decay(loaded, TEXT)
    for layer, mix in zip(picture.layers, _mixes(loaded), strict=True):
        x, dt, A, B, C, D, z = mix.args[:7]
        for t in range(1, T + 1):
            _, state = scan_by_hand(x[:, :t], dt[:, :t], A, B[:, :t], C[:, :t], D, z[:, :t])
            for row, name in enumerate(layer.names):
                channel, number = (int(word.split()[-1]) for word in name.split(", "))
                torch.testing.assert_close(layer.state[row, t - 1], state[0, channel, number].abs().float())
                torch.testing.assert_close(
                    layer.keep[row, t - 1], (dt[0, t - 1, channel] * A[channel, number]).exp().float()
                )
        assert layer.total == A.numel()
        lives = (math.log(2) / -(dt[0].mean(0)[:, None] * A)).flatten()
        torch.testing.assert_close(
            layer.half_lives[[0, -1]], torch.stack((lives.min(), lives.max())), rtol=1e-4, atol=0
        )


@pytest.mark.parametrize("n", range(2))
def test_mamba2(n):
    loaded = tiny("mamba2", n)
    picture = look.decay(loaded, TEXT)
    for layer, mix in zip(picture.layers, _mixes(loaded), strict=True):
        x, dt, A, B, C = mix.args[:5]
        assert len(layer.names) == layer.total == len(A)
        for t in range(1, T + 1):
            _, state = ssd_by_hand(x[:, :t], dt[:, :t], A, B[:, :t], C[:, :t])
            torch.testing.assert_close(layer.state[:, t - 1], state[0].flatten(1).norm(dim=1).float())


@pytest.mark.parametrize("n", range(3))
def test_retention_keeps_the_same_at_every_token(n):
    loaded = tiny("retnet", n)
    picture = look.decay(loaded, TEXT)
    gamma = decays(loaded.model.config.n_head, dtype=torch.float64).exp()
    for number, layer in enumerate(picture.layers):
        torch.testing.assert_close(layer.keep, gamma.float()[:, None].expand(-1, T))
        lives = math.log(0.5) / gamma.log()
        torch.testing.assert_close(layer.half_lives, lives.sort().values, rtol=1e-5, atol=0)
        left = picture.left(number, 0)
        for t in range(T):
            for s in range(T):
                expected = float(gamma[0]) ** (t - s) if s <= t else 0.0
                assert float(left[t, s]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n", range(2))
def test_s4d(n):
    loaded = tiny("s4d", n)
    for layer, mix in zip(look.decay(loaded, TEXT).layers, _mixes(loaded), strict=True):
        x, A, C, dt = mix.args[:4]
        for t in range(1, T + 1):
            _, state = diagonal_by_hand(x[:, :t], A, C, dt)
            for row, name in enumerate(layer.names):
                channel, number = (int(word.split()[-1]) for word in name.split(", "))
                torch.testing.assert_close(layer.state[row, t - 1], state[0, channel, number].abs().float())


@pytest.mark.parametrize("name", ["gru", "lstm"])
@pytest.mark.parametrize("n", range(2))
def test_the_gates_of_cells_are_those_that_give_the_states_they_had(name, n):
    """Beginning with a different state, the difference at each number decays by its factor wherever nothing else changes."""
    loaded = tiny(name, n)
    inputs = {}
    for number, cell in enumerate(loaded.model.blocks):
        cell.register_forward_hook(lambda m, i, o, number=number: inputs.__setitem__(number, (i[0], o)))
    picture = look.decay(loaded, TEXT)
    for number, layer in enumerate(picture.layers):
        cell, (x, outputs) = loaded.model.blocks[number], inputs[number]
        weights = (cell.input.weight, cell.state.weight, cell.input.bias, cell.state.bias)
        size, zero = outputs.shape[-1], outputs.new_zeros(1, outputs.shape[-1])
        rows = [int(word.split()[-1]) for word in layer.names]
        if name == "lstm":
            states = lstm_by_hand(x, zero, zero, *weights)[1]
        else:
            states = gru_by_hand(x, zero, *weights)
        torch.testing.assert_close(layer.state, states[0, :, rows].abs().t().float(), rtol=1e-5, atol=1e-6)
        gates = x[0] @ weights[0].T + weights[2] + torch.cat((zero, outputs[0, :-1])) @ weights[1].T + weights[3]
        keep = torch.sigmoid(gates[:, size : 2 * size])[:, rows]
        torch.testing.assert_close(layer.keep, keep.t().float())
        assert layer.total == size


@pytest.mark.parametrize("n", range(5))
def test_a_recurrent_pair_shows_its_three_cells(n):
    loaded = tiny("seq2seq", n)
    picture = look.decay(loaded, TEXT, target=target_of(loaded))
    assert [layer.place for layer in picture.layers] == [
        "ahead",
        *["back"] * loaded.model.config.bidirectional,
        "decoder.cell",
    ]
    assert picture.layers[0].steps == tuple(range(T))
    if loaded.model.config.bidirectional:
        assert picture.layers[1].steps == tuple(reversed(range(T)))
    assert picture.layers[-1].side == "target"
    assert picture.layers[-1].keep.shape[1] == len(picture.texts["target"])


def test_a_function_of_ones_own_is_looked_into(tmp_path):
    """With one's own cell in its place the states are those that it made."""
    path = tmp_path / "mine.py"
    path.write_text(
        "import torch\nfrom headway.blocks.recurrent import gru_by_hand\n"
        "def gru(x, h, w_x, w_h, b_x, b_h):\n    return 2 * gru_by_hand(x, h, w_x, w_h, b_x, b_h)\n"
    )
    loaded = tiny("gru")
    plain = look.decay(loaded, TEXT).layers[0]
    mine = look.decay(loaded, TEXT, edits=[look.Own(path)]).layers[0]
    both = set(plain.names) & set(mine.names)
    assert both
    for name in both:
        torch.testing.assert_close(mine.state[mine.names.index(name)], 2 * plain.state[plain.names.index(name)])


def test_what_has_no_state_is_refused():
    with pytest.raises(HeadwayError, match="no state that decays"):
        look.decay(tiny("gpt2"), TEXT)
    with pytest.raises(HeadwayError, match="no layer 5"):
        look.decay(tiny("mamba"), TEXT, layers=(5,))

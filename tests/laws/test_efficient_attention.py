"""What the surveys call efficient attention, held to plain attention: equal, or by the error law the paper gives."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.parity import assert_close

from headway.blocks.alibi import alibi_bias, alibi_slopes, attend_alibi, attend_alibi_by_hand
from headway.blocks.attention import attend_by_hand
from headway.blocks.flash import attend_in_tiles
from headway.blocks.linear_attention import (
    attend_linearly,
    attend_linearly_by_hand,
    attend_linearly_step,
    elu_features,
)
from headway.blocks.masks import window_mask
from headway.blocks.performer import orthogonal_directions, random_features
from headway.blocks.window import attend_in_window, two_sided_mask

EXACT = 1e-10
few = settings(max_examples=20, deadline=None)


def draw(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@st.composite
def heads(draw_, longer_past=False):
    b, repeat, g, t, k, w = (draw_(st.integers(1, top)) for top in (2, 3, 3, 40, 6, 6))
    s = t + (draw_(st.integers(0, 20)) if longer_past else 0)
    seed = torch.Generator().manual_seed(draw_(st.integers(0, 99)))
    return draw(seed, b, g * repeat, t, k), draw(seed, b, g, s, k), draw(seed, b, g, s, w)


def agree(slow, fast, parts) -> None:
    results = []
    for form in (slow, fast):
        inputs = [part.detach().requires_grad_() for part in parts]
        out = form(*inputs)
        pull = draw(torch.Generator().manual_seed(5), *out.shape)
        results.append([out.detach(), *torch.autograd.grad((out * pull).sum(), inputs)])
    for wanted, got, name in zip(*results, ("output", "gradient of q", "gradient of k", "gradient of v"), strict=True):
        assert_close(got, wanted, EXACT, name)


@few
@given(parts=heads(longer_past=True), rows=st.integers(1, 50), columns=st.integers(1, 70), data=st.data())
def test_tiles_are_exact(parts, rows, columns, data):
    q, k, _ = parts
    how = {"causal": data.draw(st.booleans()), "scale": data.draw(st.sampled_from([None, 0.3]))}
    mask = None
    if data.draw(st.booleans()):
        shape = (q.shape[0], data.draw(st.sampled_from([1, q.shape[1]])), data.draw(st.sampled_from([1, q.shape[2]])))
        seen = torch.rand(*shape, k.shape[2], generator=torch.Generator().manual_seed(1)) < 0.4
        mask = seen.index_fill(-1, torch.tensor([0]), True)  # everyone sees the first key at least
    agree(
        lambda q, k, v: attend_by_hand(q, k, v, mask, **how),
        lambda q, k, v: attend_in_tiles(q, k, v, mask, **how, rows=rows, columns=columns),
        parts,
    )


def test_tiles_survive_scores_that_exp_does_not():
    g = torch.Generator().manual_seed(0)
    q, k, v = (draw(g, 1, 2, 50, 4).float() for _ in range(3))
    q = q * 1e4
    assert torch.isinf((q @ k.transpose(-2, -1) / 2).exp()).any()
    got, wanted = attend_in_tiles(q, k, v, rows=7, columns=9), attend_by_hand(q.double(), k.double(), v.double())
    assert torch.isfinite(got).all()
    assert_close(got.double(), wanted, 1e-4)


def test_tiles_take_memory_that_grows_with_the_length():
    """The largest tensor that is ever made, found by watching every operation: the tile, not the scores."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        size = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            for tensor in out if isinstance(out, tuple | list) else (out,):
                if isinstance(tensor, torch.Tensor):
                    self.size = max(self.size, tensor.numel())
            return out

    sizes = []
    for t in (64, 128):
        parts = [torch.rand(1, 1, t, 4, requires_grad=True) for _ in range(3)]
        with Largest() as largest:
            attend_in_tiles(*parts, causal=True, rows=8, columns=8).sum().backward()
        sizes.append(largest.size)
    assert sizes == [64 * 4, 128 * 4]


@few
@given(parts=heads(), window=st.integers(1, 50), causal=st.booleans())
def test_a_window_in_blocks_is_the_window_mask(parts, window, causal):
    t = parts[0].shape[2]
    mask = window_mask(t, window=window) if causal else two_sided_mask(t, reach=window // 2)
    agree(
        lambda q, k, v: attend_by_hand(q, k, v, mask[None, None]),
        lambda q, k, v: attend_in_window(q, k, v, window=window, causal=causal),
        parts,
    )


@few
@given(parts=heads(longer_past=True))
def test_alibi_by_hand_and_fused(parts):
    q, k, v = parts
    k, v = (part.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for part in (k, v))
    agree(attend_alibi_by_hand, attend_alibi, (q, k, v))


@pytest.mark.parametrize("n_head", [1, 2, 3, 5, 8, 12, 16, 20])
def test_alibi_is_blooms(n_head):
    """`transformers` adds slope · position of the key: the same up to what softmax does not see, a number per query."""
    from transformers.models.bloom.modeling_bloom import build_alibi_tensor

    theirs = build_alibi_tensor(torch.ones(1, 9), n_head, torch.float64).view(n_head, 1, 9)
    ours = alibi_bias(n_head, 9, dtype=torch.float64)
    seen = torch.isfinite(ours)
    wanted = theirs.expand(-1, 9, -1).masked_fill(~seen, -math.inf).softmax(-1)
    assert_close(ours.softmax(-1), wanted, 1e-6)  # theirs works slopes out in float32
    assert len(set(alibi_slopes(n_head).tolist())) == n_head


def test_alibi_looks_no_further_the_longer_the_text():
    """Extrapolation: a query's weights on the same past are the same however long the text around it is."""
    g = torch.Generator().manual_seed(0)
    q, k, v = (draw(g, 1, 4, 30, 5) for _ in range(3))
    short = attend_alibi(q[:, :, 10:], k[:, :, 10:], v[:, :, 10:])
    far = attend_alibi(
        q, torch.cat((k[:, :, :10] * 0, k[:, :, 10:]), 2), torch.cat((v[:, :, :10] * 0, v[:, :, 10:]), 2)
    )
    assert (
        short[:, 0, -1] - far[:, 0, -1]
    ).abs().max() < 0.1  # the steepest head (slope 1/4) hardly sees what was added


@few
@given(parts=heads(longer_past=True), causal=st.booleans(), chunk=st.integers(1, 50))
def test_linear_attention_is_linear(parts, causal, chunk):
    q, k, v = parts
    k, v = (part.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for part in (k, v))
    agree(
        lambda q, k, v: attend_linearly_by_hand(elu_features(q), elu_features(k), v, causal=causal),
        lambda q, k, v: attend_linearly(elu_features(q), elu_features(k), v, causal=causal, chunk=chunk),
        (q, k, v),
    )


@few
@given(parts=heads())
def test_linear_attention_is_an_rnn(parts):
    q, k, v = parts
    k, v = (part.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for part in (k, v))

    def recurrent(q, k, v):
        q, k = elu_features(q), elu_features(k)
        state = (v.new_zeros(*k.shape[:2], k.shape[3], v.shape[3]), v.new_zeros(*k.shape[:2], k.shape[3]))
        outputs = []
        for now in zip(q.unbind(2), k.unbind(2), v.unbind(2), strict=True):
            out, state = attend_linearly_step(*now, state)
            outputs.append(out)
        return torch.stack(outputs, 2)

    agree(
        lambda q, k, v: attend_linearly_by_hand(elu_features(q), elu_features(k), v, causal=True), recurrent, (q, k, v)
    )


def test_random_features_err_with_the_root_of_their_number():
    """Performer's error law: the mean of φ(q) · φ(k) is exp(q · k), and its error falls as m^-1/2; so does attention's."""
    g = torch.Generator().manual_seed(0)
    q, k, v = (draw(g, 1, 1, 24, 8) * 0.3 for _ in range(3))
    kernel, attention = torch.exp(q @ k.transpose(-2, -1) / math.sqrt(8)), attend_by_hand(q, k, v, causal=True)

    def errors(m, draws=60):
        means = [0.0, 0.0]
        for _ in range(draws):
            directions = orthogonal_directions(m, 8, generator=g, dtype=torch.float64)
            features = random_features(q, directions), random_features(k, directions)
            means[0] += float((features[0] @ features[1].transpose(-2, -1) - kernel).square().mean()) / draws
            means[1] += float((attend_linearly(*features, v, causal=True) - attention).square().mean()) / draws
        return [math.sqrt(mean) for mean in means]

    few, many = errors(64), errors(1024)
    slopes = [math.log(b / a) / math.log(1024 / 64) for a, b in zip(few, many, strict=True)]
    assert -0.6 < slopes[0] < -0.4, (few, many)
    assert -0.6 < slopes[1] < -0.4, (few, many)


def test_the_error_of_random_features_is_the_papers_lemma():
    """Lemma 2: of one pair, (1/m) exp(|q + k|²) exp(q · k)² (1 - exp(-|q + k|²)): it explodes with the norm."""
    g = torch.Generator().manual_seed(0)
    q, k = draw(g, 1, 1, 1, 4) * 0.4, draw(g, 1, 1, 1, 4) * 0.4
    exact, both = float(torch.exp((q * k).sum())), float((q + k).square().sum())
    measured = 0.0
    for _ in range(3000):
        w = draw(g, 8, 4)
        got = random_features(q, w, scale=1.0) @ random_features(k, w, scale=1.0).transpose(-2, -1)
        measured += (float(got) - exact) ** 2 / 3000
    wanted = math.exp(both) * exact**2 * (1 - math.exp(-both)) / 8
    assert 0.85 < measured / wanted < 1.15


def test_orthogonal_directions_are_orthogonal_and_of_the_right_length():
    directions = orthogonal_directions(20, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert directions.shape == (20, 8)
    for block in directions.split(8):
        gram = block @ block.T
        assert (gram - gram.diag().diag()).abs().max() < EXACT
    many = orthogonal_directions(8000, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert abs(float(many.square().sum(1).mean()) - 8) < 0.2  # |w|² has the mean of N(0, I)'s
    assert many.mean(0).abs().max() < 0.05


def test_orthogonal_directions_do_better_than_independent_ones():
    g = torch.Generator().manual_seed(3)
    q, k = (draw(g, 1, 1, 16, 8) for _ in range(2))
    exact = torch.exp(q @ k.transpose(-2, -1) / math.sqrt(8))

    def error(make):
        total = 0.0
        for _ in range(300):
            w = make()
            total += float((random_features(q, w) @ random_features(k, w).transpose(-2, -1) - exact).square().mean())
        return total

    independent = error(lambda: draw(g, 16, 8))
    orthogonal = error(lambda: orthogonal_directions(16, 8, generator=g, dtype=torch.float64))
    assert orthogonal < independent

"""Losses are sums: parts add up to the whole, and the forms by hand and fast agree with PyTorch's own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.train.losses import IGNORE, count_targets, cross_entropy, cross_entropy_by_hand

few = settings(max_examples=25, deadline=None)


def draw(n: int, v: int, ignored: int, seed: int, scale: float = 3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = (torch.randn(n, v, generator=generator, dtype=torch.float64) * scale).requires_grad_()
    targets = torch.randint(v, (n,), generator=generator)
    targets[: min(ignored, n)] = IGNORE
    return logits, targets


@few
@given(
    n=st.integers(1, 9),
    v=st.integers(2, 12),
    ignored=st.integers(0, 9),
    smoothing=st.floats(0, 0.9),
    seed=st.integers(0, 99),
)
def test_by_hand_fast_and_torch_agree_with_gradients(n, v, ignored, smoothing, seed):
    logits, targets = draw(n, v, ignored, seed)
    by_hand = cross_entropy_by_hand(logits, targets, smoothing=smoothing)
    (by_hand_grad,) = torch.autograd.grad(by_hand, logits)
    fast = cross_entropy(logits, targets, smoothing=smoothing)
    (fast_grad,) = torch.autograd.grad(fast, logits)
    torch.testing.assert_close(by_hand, fast, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(by_hand_grad, fast_grad, rtol=1e-12, atol=1e-12)
    if (count := count_targets(targets)) > 0:
        mean = F.cross_entropy(logits, targets, ignore_index=IGNORE, label_smoothing=smoothing)
        torch.testing.assert_close(fast / count, mean, rtol=1e-12, atol=1e-12)


@few
@given(v=st.integers(2, 9), smoothing=st.floats(0, 0.9), seed=st.integers(0, 99))
def test_smoothing_is_the_cross_entropy_with_the_smoothed_distribution(v, smoothing, seed):
    logits, targets = draw(4, v, 0, seed)
    q = F.one_hot(targets, v).double() * (1 - smoothing) + smoothing / v
    expected = -(q * logits.softmax(-1).log()).sum()
    torch.testing.assert_close(
        cross_entropy_by_hand(logits, targets, smoothing=smoothing), expected, rtol=1e-9, atol=1e-9
    )


@few
@given(n=st.integers(2, 12), cut=st.integers(1, 11), ignored=st.integers(0, 12), seed=st.integers(0, 99))
def test_parts_add_up_to_the_whole(n, cut, ignored, seed):
    logits, targets = draw(n, 5, ignored, seed)
    cut = min(cut, n)
    parts = cross_entropy(logits[:cut], targets[:cut]) + cross_entropy(logits[cut:], targets[cut:])
    torch.testing.assert_close(parts, cross_entropy(logits, targets), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", [cross_entropy, cross_entropy_by_hand])
def test_it_does_not_overflow(form):
    logits = torch.tensor([[1e4, 0.0, -1e4], [-1e30, 1e30, 0.0]], requires_grad=True)
    loss = form(logits, torch.tensor([1, 1]))
    loss.backward()
    assert loss.item() == pytest.approx(1e4)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("form", [cross_entropy, cross_entropy_by_hand])
def test_nothing_asked_is_zero_with_zero_gradients(form):
    logits = torch.randn(3, 4, requires_grad=True)
    loss = form(logits, torch.full((3,), IGNORE), smoothing=0.1)
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_half_precision_logits_are_summed_in_float32():
    logits = torch.zeros(4096, 3, dtype=torch.bfloat16)
    loss = cross_entropy(logits, torch.zeros(4096, dtype=torch.long))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(4096 * torch.log(torch.tensor(3.0)).item(), rel=1e-6)

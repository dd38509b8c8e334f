"""Backward by hand: finite differences in float64, and autograd, over drawn sizes."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.blocks import backward

SIZE = st.integers(1, 4)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_finite_differences(forward, gradients, inputs):
    """Whether `gradients(grad, *inputs)` is the backward of `forward`, by torch's gradcheck on an autograd function."""

    class ByHand(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *xs):
            ctx.save_for_backward(*xs)
            return forward(*xs)

        @staticmethod
        def backward(ctx, grad):
            return gradients(grad, *ctx.saved_tensors)

    return torch.autograd.gradcheck(ByHand.apply, [x.clone().requires_grad_() for x in inputs], eps=1e-6, atol=1e-7)


@given(SIZE, SIZE, SIZE, st.sampled_from([((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (3,)), ((1,), (2, 3))]))
@settings(max_examples=25, deadline=None)
def test_matmul(n, k, m, leading):
    a, b = normal(*leading[0], n, k), normal(*leading[1], k, m, seed=1)
    assert by_finite_differences(torch.matmul, backward.matmul_backward, [a, b])


@given(SIZE, SIZE, st.sampled_from([-1, 0, 1]))
@settings(max_examples=15, deadline=None)
def test_softmax(n, d, dim):
    def gradients(grad, x):
        return backward.softmax_backward(grad, x.softmax(dim), dim)

    assert by_finite_differences(lambda x: x.softmax(dim), gradients, [normal(n, d) * 2])


@given(SIZE, SIZE, st.integers(2, 6), st.sampled_from([1e-5, 1e-2]))
@settings(max_examples=15, deadline=None)
def test_layer_norm(b, t, d, eps):
    inputs = [normal(b, t, d) + 3, normal(d, seed=1), normal(d, seed=2)]

    def gradients(grad, x, weight, bias):
        return backward.layer_norm_backward(grad, x, weight, eps)

    assert by_finite_differences(lambda x, w, c: F.layer_norm(x, (d,), w, c, eps), gradients, inputs)


@given(SIZE, SIZE, st.integers(1, 5), st.sampled_from([0.0, 0.1]), st.booleans())
@settings(max_examples=25, deadline=None)
def test_cross_entropy(b, t, v, smoothing, ignored):
    targets = torch.randint(0, v, (b, t), generator=torch.Generator().manual_seed(1))
    if ignored and b * t > 1:
        targets[0, 0] = -100
    logits = (normal(b, t, v) * 3).requires_grad_()
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), label_smoothing=smoothing)
    (expected,) = torch.autograd.grad(loss * 2.5, logits)
    got = backward.cross_entropy_backward(logits.detach(), targets, smoothing=smoothing, grad=2.5)
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)
    assert by_finite_differences(
        lambda x: F.cross_entropy(x.flatten(0, 1), targets.flatten(), label_smoothing=smoothing),
        lambda grad, x: backward.cross_entropy_backward(x, targets, smoothing=smoothing, grad=grad),
        [logits.detach()],
    )


def test_cross_entropy_of_large_logits_and_of_nothing():
    logits = torch.tensor([[1000.0, 0.0], [-1000.0, 0.0]])
    got = backward.cross_entropy_backward(logits, torch.tensor([1, 0]))
    assert got.tolist() == [[0.5, -0.5], [-0.5, 0.5]]
    assert backward.cross_entropy_backward(logits, torch.tensor([-100, -100])).isnan().all()


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu(approximate):
    def gradients(grad, x):
        return backward.gelu_backward(grad, x, approximate)

    x = torch.linspace(-6, 6, 41, dtype=torch.float64)
    assert by_finite_differences(lambda x: F.gelu(x, approximate=approximate), gradients, [x])


@given(SIZE, st.sampled_from([(1, 1), (2, 1), (2, 2), (4, 2)]), SIZE, SIZE, SIZE, SIZE, st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None)
def test_attention(b, heads, t, s, k, w, masked, scaled):
    h, g = heads
    inputs = [normal(b, h, t, k), normal(b, g, s, k, seed=1), normal(b, g, s, w, seed=2)]
    mask = torch.rand(b, 1, t, s, generator=torch.Generator().manual_seed(3)) < 0.6
    mask[..., 0] = True
    options = {"mask": mask if masked else None, "scale": 0.7 if scaled else None}

    def forward(q, keys, values):
        keys, values = (x.repeat_interleave(h // g, 1) for x in (keys, values))
        scores = q @ keys.mT * (options["scale"] or 1 / math.sqrt(k))
        if masked:
            scores = scores.masked_fill(~mask, -math.inf)
        return scores.softmax(-1) @ values

    assert by_finite_differences(forward, lambda grad, *x: backward.attention_backward(grad, *x, **options), inputs)


def test_dtype_and_shape_are_the_operands():
    x, weight = torch.randn(2, 3, 5), torch.randn(5)
    for got, like in zip(backward.layer_norm_backward(x, x, weight), (x, weight, weight), strict=True):
        assert (got.shape, got.dtype) == (like.shape, torch.float32)
    a, b = torch.randn(2, 1, 3, 4), torch.randn(5, 4, 2)
    for got, like in zip(backward.matmul_backward(a @ b, a, b), (a, b), strict=True):
        assert (got.shape, got.dtype) == (like.shape, torch.float32)

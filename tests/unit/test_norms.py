"""RMSNorm in the kernel is RMSNorm by hand: outputs, gradients, gradients of gradients, and whatever looks on."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.parity import assert_close
from torch.autograd import forward_ad
from torch.utils.flop_counter import FlopCounterMode

from headway.blocks import native
from headway.blocks.norms import RMSNorm, rms_norm, rms_norm_by_hand

needs_kernels = pytest.mark.skipif(native.why_not() is not None, reason=str(native.why_not()))
shapes = st.lists(st.integers(1, 9), min_size=0, max_size=3)


@settings(max_examples=40, deadline=None)
@given(shape=shapes, width=st.integers(1, 70), turned=st.booleans(), size=st.floats(-6, 6), seed=st.integers(0, 2**31))
def test_as_by_hand(shape, width, turned, size, seed):
    draw = torch.Generator().manual_seed(seed)
    x = 10**size * torch.randn(*shape, width, generator=draw, dtype=torch.float64)
    if turned and x.dim() > 1:
        x = x.transpose(0, 1).contiguous().transpose(0, 1)
    weight, pull = (torch.randn(shape, generator=draw, dtype=torch.float64) for shape in ((width,), x.shape))

    def outcome(function, dtype):
        inputs = [part.to(dtype).requires_grad_() for part in (x, weight)]
        y = function(*inputs, 1e-6)
        return y.detach(), *torch.autograd.grad(y, inputs, pull.to(dtype))

    exact = outcome(rms_norm_by_hand, torch.float64)
    for got, wanted in zip(outcome(rms_norm, torch.float64), exact, strict=True):
        assert_close(got, wanted, 1e-10)
    for got, wanted in zip(outcome(rms_norm, torch.float32), exact, strict=True):
        assert_close(got.double(), wanted, 1e-5)
    with torch.no_grad():
        assert_close(rms_norm(x, weight, 1e-6), exact[0], 1e-10)


def test_gradients_of_gradients():
    x = torch.randn(3, 5, 17, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(17, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *inputs: rms_norm(*inputs, 1e-5), (x, weight))
    assert torch.autograd.gradgradcheck(lambda *inputs: rms_norm(*inputs, 1e-5), (x, weight))
    frozen = weight.detach()
    assert torch.autograd.gradgradcheck(lambda x: rms_norm(x, frozen, 1e-5), (x,))


@needs_kernels
def test_the_number_of_threads_changes_no_output():
    x, weight, before = torch.randn(999, 130), torch.randn(130), torch.get_num_threads()
    try:
        answers = []
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            answers.append(rms_norm(x, weight, 1e-6))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(answer, answers[0]) for answer in answers)
    assert all(torch.equal(rms_norm(x[i : i + 1], weight, 1e-6), answers[0][i : i + 1]) for i in (0, 500, 998))


@needs_kernels
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30])
def test_what_is_not_finite_is_as_in_pytorch(value):
    x, weight = torch.ones(2, 33), torch.ones(33)
    x[0, 7] = value
    with native.without_kernels():
        plain = rms_norm(x, weight, 1e-6)
    assert torch.equal(rms_norm(x, weight, 1e-6).isnan(), plain.isnan())
    assert torch.allclose(rms_norm(x, weight, 1e-6), plain, equal_nan=True)


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")  # PyTorch's own, inside jvp
def test_transforms_modes_and_copies_see_it():
    norm, x = RMSNorm(9), torch.randn(4, 9)
    norm.weight.data.normal_()
    wanted = rms_norm_by_hand(x, norm.weight, norm.eps)
    assert torch.allclose(torch.func.vmap(norm)(x), wanted, atol=1e-6)
    assert torch.allclose(copy.deepcopy(norm)(x), wanted, atol=1e-6)
    toward = torch.randn(4, 9)
    _, along = torch.func.jvp(norm, (x,), (toward,))
    there, back = (rms_norm_by_hand(x.double() + way * toward, norm.weight.double(), norm.eps) for way in (1e-6, -1e-6))
    assert torch.allclose(along.double(), (there - back) / 2e-6, atol=1e-4)
    with forward_ad.dual_level(), torch.no_grad():
        assert torch.equal(forward_ad.unpack_dual(norm(forward_ad.make_dual(x, toward))).tangent, along)
    with FlopCounterMode(display=False), torch.no_grad():
        assert torch.allclose(norm(x), wanted, atol=1e-6)
    assert norm(torch.empty(0, 9)).shape == (0, 9)
    assert norm.to("meta")(x.to("meta")).shape == (4, 9)

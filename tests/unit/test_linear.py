"""The linear layer of decoding: whatever the shape, the dtype and the number of threads, it is PyTorch's."""

import os
import shutil

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.blocks import native
from headway.blocks.linear import Linear, linear

needs_kernels = pytest.mark.skipif(native.why_not() is not None, reason=str(native.why_not()))


@needs_kernels
@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 70),
    columns=st.integers(1, 100),
    bias=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
    seed=st.integers(0, 2**31),
)
def test_one_row_is_the_exact_product_rounded(rows, columns, bias, dtype, seed):
    draw = torch.Generator().manual_seed(seed)
    x, w, b = (torch.randn(*size, generator=draw).to(dtype) for size in ((1, 1, columns), (rows, columns), (rows,)))
    exact = F.linear(x.double(), w.double(), b.double() if bias else None)
    with torch.no_grad():
        got = linear(x, w, b if bias else None)
    assert got.dtype == dtype
    assert got.shape == (1, 1, rows)
    size = (x.double().abs() @ w.double().abs().T) + 1
    assert (
        (got.double() - exact).abs() <= size * 4e-7 + exact.abs() * (2**-8 if dtype == torch.bfloat16 else 1e-7)
    ).all()


@needs_kernels
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_number_of_threads_changes_nothing(dtype):
    torch.manual_seed(0)
    x, w = torch.randn(1, 333).to(dtype), torch.randn(1001, 333).to(dtype)
    before = torch.get_num_threads()
    try:
        answers = []
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            with torch.no_grad():
                answers.append(linear(x, w))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(answer, answers[0]) for answer in answers)


@needs_kernels
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 3e38])
def test_what_is_not_finite_stays_so(value):
    w = torch.ones(5, 33, dtype=torch.bfloat16)
    x = torch.ones(1, 33, dtype=torch.bfloat16)
    x[0, 7] = value
    with torch.no_grad():
        assert torch.equal(linear(x, w).float().nan_to_num(7, 8, 9), F.linear(x, w).float().nan_to_num(7, 8, 9))


@pytest.mark.parametrize("shape", [(3, 40), (2, 5, 40), (1, 40), (40,)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_every_shape_and_dtype_and_the_plain_form(shape, dtype):
    torch.manual_seed(1)
    layer = Linear(40, 24).to(dtype)
    x = torch.randn(shape).to(dtype)
    exact = F.linear(x.double(), layer.weight.double(), layer.bias.double())
    tolerance = {torch.bfloat16: 2e-2, torch.float16: 2e-3, torch.float32: 1e-5, torch.float64: 1e-12}[dtype]
    with torch.no_grad():
        assert torch.allclose(layer(x).double(), exact, atol=tolerance)
        with native.without_kernels():
            assert torch.allclose(layer(x).double(), exact, atol=tolerance)


def test_gradients_flow_through_one_row():
    layer, x = Linear(40, 24), torch.randn(1, 40, requires_grad=True)
    layer(x).square().sum().backward()
    want = torch.autograd.grad(F.linear(x, layer.weight, layer.bias).square().sum(), (x, layer.weight, layer.bias))
    for got, grad in zip((x.grad, layer.weight.grad, layer.bias.grad), want, strict=True):
        assert torch.equal(got, grad)


def test_transforms_and_strides_that_no_kernel_can_walk():
    layer = Linear(6, 4)
    x = torch.randn(5, 6)
    with torch.no_grad():
        assert torch.allclose(torch.func.vmap(layer)(x), layer(x))
        turned = Linear(6, 4)
        turned.weight = torch.nn.Parameter(torch.randn(6, 4).t())
        assert torch.allclose(turned(x[:1]), F.linear(x[:1], turned.weight, turned.bias))
        assert torch.allclose(layer(torch.randn(12)[::2]), layer(torch.zeros(6)), atol=10)


@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler")
def test_with_a_compiler_there_are_kernels():
    off = os.environ.get("HEADWAY_NATIVE") == "0"
    assert native.why_not() == ("switched off (HEADWAY_NATIVE=0)" if off else None)


@needs_kernels
def test_one_thread_or_two_gives_the_same_bits():
    """The kernel tries both and keeps the quicker; nobody may see which."""
    weight, x = torch.randn(300, 577), torch.randn(1, 577)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        with torch.no_grad():
            alone = linear(x, weight)
            torch.set_num_threads(2)
            assert all(torch.equal(linear(x, weight), alone) for _ in range(300))
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("rows", [(2,), (3, 50), (768,), (769,), (0,)])
@pytest.mark.parametrize("columns", [2047, 2048, 3001])
@pytest.mark.parametrize("biased", [True, False])
def test_a_wide_result_comes_in_pieces_and_is_the_product(rows, columns, biased):
    draw = torch.Generator().manual_seed(sum(rows))
    x, w = torch.randn(*rows, 24, generator=draw), torch.randn(columns, 24, generator=draw)
    bias = torch.randn(columns, generator=draw) if biased else None
    exact = F.linear(x.double(), w.double(), bias.double() if biased else None)
    with torch.no_grad():
        got = linear(x, w, bias)
        assert got.shape == exact.shape
        assert got.is_contiguous()
        assert torch.allclose(got.double(), exact, atol=1e-5)
        assert torch.allclose(linear(x.mT.contiguous().mT, w, bias).double(), exact, atol=1e-5)
    layer = Linear(24, columns, bias=biased)
    layer(x).sum().backward()
    assert layer.weight.grad.shape == w.shape

"""One function, several ways to compute it: outputs, states and gradients agree in float64, whatever the sizes.

Each faster form is held against the one that can be read off the paper. Sizes, chunk sizes (longer than the text and with a
ragged end included), a starting state, and cuts into two calls are drawn.
"""

from __future__ import annotations

import functools
import math
import os
import shutil
import time

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from support.parity import assert_close

from headway.blocks import conv, diagonal, linear, native, scan, ssd

EXACT = 1e-10
few = settings(max_examples=12, deadline=None)
sizes = st.tuples(st.integers(1, 3), st.integers(1, 70))


def draw(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def run(function, parts: dict) -> dict[str, torch.Tensor]:
    """Outputs, and the gradients of all inputs of a function of the outputs that weighs every number differently."""
    parts = {name: part.detach().requires_grad_() for name, part in parts.items()}
    outputs = function(**parts)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    pull = torch.Generator().manual_seed(7)
    loss = sum((out * draw(pull, *out.shape)).sum() + out.sin().sum() for out in outputs)
    gradients = torch.autograd.grad(loss, list(parts.values()), materialize_grads=True, allow_unused=True)
    return {f"output {i}": out.detach() for i, out in enumerate(outputs)} | {
        f"gradient of {name}": gradient for name, gradient in zip(parts, gradients, strict=True)
    }


def agree(slow, fast, parts: dict, tolerance: float = EXACT) -> None:
    wanted, got = run(slow, parts), run(fast, parts)
    for name in wanted:
        assert_close(got[name], wanted[name], tolerance, name)


@st.composite
def scans(draw_):
    b, t = draw_(sizes)
    d, n = draw_(st.integers(1, 70)), draw_(st.integers(1, 17))
    g = torch.Generator().manual_seed(draw_(st.integers(0, 99)))
    parts = {
        "x": draw(g, b, t, d),
        "dt": F.softplus(draw(g, b, t, d)),
        "A": -draw(g, d, n).exp(),
        "B": draw(g, b, t, n),
        "C": draw(g, b, t, n),
        "D": draw(g, d),
        "z": draw(g, b, t, 2 * d)[..., d:],
        "state": draw(g, b, d, n),
    }
    keep = {"x", "dt", "A", "B", "C"} | set(draw_(st.sets(st.sampled_from(["D", "z", "state"]))))
    return {name: part for name, part in parts.items() if name in keep}


FAST_SCANS = {"parallel": scan.scan_in_parallel, "kernel": scan.scan}


@pytest.mark.parametrize("form", FAST_SCANS)
@few
@given(parts=scans())
def test_scans_agree(form, parts):
    agree(scan.scan_by_hand, FAST_SCANS[form], parts)


@few
@given(parts=scans(), chunk=st.integers(1, 80))
def test_the_scan_in_chunks_agrees_at_every_chunk_size(parts, chunk):
    agree(scan.scan_by_hand, functools.partial(scan.scan_in_chunks, chunk=chunk), parts)


@few
@given(parts=scans(), data=st.data())
def test_a_scan_cut_in_two_is_the_whole(parts, data):
    cut = data.draw(st.integers(0, parts["x"].shape[1]))

    def in_two(x, dt, A, B, C, D=None, z=None, state=None):
        early = [part[:, :cut] for part in (x, dt, B, C)]
        late = [part[:, cut:] for part in (x, dt, B, C)]
        first, middle = scan.scan(*early[:2], A, *early[2:], D, None if z is None else z[:, :cut], state)
        second, last = scan.scan(*late[:2], A, *late[2:], D, None if z is None else z[:, cut:], middle)
        return torch.cat((first, second), 1), last

    agree(scan.scan_by_hand, in_two, parts)


def test_the_kernel_is_what_was_tested():
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        assert native.why_not() == "there is no C++ compiler"
        return
    if os.environ.get("HEADWAY_NATIVE") == "0":
        assert native.why_not() == "switched off (HEADWAY_NATIVE=0)"
        return
    assert native.why_not() is None, "the kernels did not run here: the tests above compared PyTorch with itself"
    parts = [torch.rand(1, 5, 3), torch.rand(1, 5, 3), -torch.rand(3, 2), torch.rand(1, 5, 2), torch.rand(1, 5, 2)]
    with native.without_kernels():
        assert native.why_not() == "switched off (HEADWAY_NATIVE=0)"
        plain, _ = scan.scan(*parts)
    fast, _ = scan.scan(*parts)
    assert_close(fast, plain, 1e-6)


@few
@given(t=st.integers(1, 40))
def test_without_kernels_the_same(t):
    g = torch.Generator().manual_seed(t)
    x, dt, B, C = (draw(g, 2, t, 6) for _ in range(4))
    A, weight, before = -draw(g, 6, 6).exp(), draw(g, 3, 6), draw(g, 2, 2, 6)
    heads = (x.unflatten(2, (3, 2)), dt[..., :3].exp(), A[0, :3], B.unflatten(2, (1, 6)), C.unflatten(2, (1, 6)))
    calls = [
        lambda: scan.scan(x, dt.exp(), A, B, C)[0],
        lambda: ssd.ssd(*heads)[0],
        lambda: conv.causal_conv(x, weight, None, before),
    ]
    for call in calls:
        with native.without_kernels():
            plain = call()
        assert_close(call(), plain, EXACT)


@few
@given(parts=scans())
def test_scans_in_float32(parts):
    single = {name: part.float() for name, part in parts.items()}
    for got, wanted in zip(scan.scan(**single), scan.scan_by_hand(**parts), strict=True):
        assert_close(got.double(), wanted, 1e-5)


def test_the_fast_exponential_over_its_whole_range():
    x = torch.cat((torch.linspace(-86, 0, 4000), torch.tensor([-1e4, -88.0, -1e-6, 0.0])))
    ones = torch.ones(1, 1, len(x))
    _, state = scan.scan(
        ones * 0, ones, x[:, None], torch.ones(1, 1, 1), torch.ones(1, 1, 1), state=ones.transpose(1, 2)
    )
    wanted = x.double().exp()
    assert ((state[0, :, 0].double() - wanted).abs() <= 3e-7 * wanted + 1.3e-38).all()


def test_nan_and_infinity_are_not_hidden():
    parts = [torch.rand(1, 40, 3), torch.rand(1, 40, 3), -torch.rand(3, 2), torch.rand(1, 40, 2), torch.rand(1, 40, 2)]
    parts[0][0, 5, 1] = torch.nan
    y, state = scan.scan(*parts)
    assert torch.isfinite(y[0, :, 0]).all()
    assert torch.isnan(y[0, 5:, 1]).all()
    assert torch.isnan(state[0, 1]).all()
    parts[0][0, 5, 1], parts[1][0, 7, 2] = 1.0, torch.nan
    assert torch.isnan(scan.scan(*parts)[0][0, 7:, 2]).all()
    one = torch.ones(1, 1, 1)
    grown = [float(scan.scan(0 * one, one, torch.full((1, 1), a), one, one, state=one)[1]) for a in (80.0, 88.0, 89.0)]
    assert grown == pytest.approx([math.exp(80), math.exp(88), math.inf], rel=1e-5)


@few
@given(t=st.integers(1, 40), data=st.data())
def test_a_step_of_zero_leaves_the_state_bit_for_bit(t, data):
    g = torch.Generator().manual_seed(1)
    d, n = 5, 3
    state = draw(g, 1, d, n).float()
    others = [draw(g, 1, t, n).float() for _ in range(2)]
    _, last = scan.scan(draw(g, 1, t, d).float(), torch.zeros(1, t, d), -torch.ones(d, n), *others, state=state)
    assert torch.equal(last, state)


@pytest.mark.slow
@pytest.mark.parametrize("plain", [True, False])
def test_the_backward_pass_is_linear_in_the_length(plain):
    def seconds(t):
        parts = [
            torch.rand(1, t, 64),
            torch.rand(1, t, 64),
            -torch.rand(64, 16),
            torch.rand(1, t, 16),
            torch.rand(1, t, 16),
        ]
        parts = [part.requires_grad_() for part in parts]
        best = math.inf
        for _ in range(3):
            y, _ = (scan.scan_by_hand if plain else scan.scan)(*parts)
            began = time.process_time()
            y.sum().backward()
            best = min(best, time.process_time() - began)
        return best

    assert seconds(4000) / seconds(500) < 8 * 2.5  # quadratic would be 64


@st.composite
def duals(draw_):
    b, t = draw_(sizes)
    g, r, n, k = (draw_(st.integers(1, top)) for top in (3, 3, 9, 40))
    seed = torch.Generator().manual_seed(draw_(st.integers(0, 99)))
    parts = {
        "x": draw(seed, b, t, g * r * k + 3)[..., 3:].unflatten(2, (g * r, k)),  # a slice, as in the model
        "dt": F.softplus(draw(seed, b, t, g * r)),
        "A": -draw(seed, g * r).exp(),
        "B": draw(seed, b, t, g * n + 1)[..., 1:].unflatten(2, (g, n)),
        "C": draw(seed, b, t, g, n),
        "D": draw(seed, g * r),
        "state": draw(seed, b, g * r, n, k),
    }
    keep = {"x", "dt", "A", "B", "C"} | set(draw_(st.sets(st.sampled_from(["D", "state"]))))
    return {name: part for name, part in parts.items() if name in keep}


@pytest.mark.parametrize("form", [ssd.ssd_quadratic, ssd.ssd])
@few
@given(parts=duals())
def test_state_space_duality(form, parts):
    agree(ssd.ssd_by_hand, form, parts)


@few
@given(parts=duals(), chunk=st.integers(1, 80))
def test_ssd_agrees_at_every_chunk_size(parts, chunk):
    agree(ssd.ssd_by_hand, functools.partial(ssd.ssd_in_chunks, chunk=chunk), parts)


@pytest.mark.parametrize("form", [ssd.ssd_in_chunks, ssd.ssd])
@few
@given(parts=duals(), data=st.data())
def test_ssd_cut_in_two_is_the_whole(form, parts, data):
    cut = data.draw(st.integers(0, parts["x"].shape[1]))

    def in_two(x, dt, A, B, C, D=None, state=None):
        early, late = ([part[:, :cut] for part in (x, dt, B, C)], [part[:, cut:] for part in (x, dt, B, C)])
        first, middle = form(*early[:2], A, *early[2:], D, state)
        second, last = form(*late[:2], A, *late[2:], D, middle)
        return torch.cat((first, second), 1), last

    agree(ssd.ssd_by_hand, in_two, parts)


@pytest.mark.parametrize("rate", [1e-3, 1.0, 30.0])
def test_ssd_in_float32_over_several_chunks(rate):
    """At the sizes of the released models, with states that last, that fade, and that are gone after a step."""
    seed = torch.Generator().manual_seed(3)
    parts = {
        "x": draw(seed, 1, 300, 2, 64),
        "dt": F.softplus(draw(seed, 1, 300, 2)),
        "A": -rate * draw(seed, 2).exp(),
        "B": draw(seed, 1, 300, 1, 128),
        "C": draw(seed, 1, 300, 1, 128),
        "D": draw(seed, 2),
    }
    pull = draw(seed, 1, 300, 2, 64), draw(seed, 1, 2, 128, 64)

    def outputs_and_gradients(function, dtype):
        inputs = [part.to(dtype).requires_grad_() for part in parts.values()]
        outputs = function(*inputs)
        return *outputs, *torch.autograd.grad(outputs, inputs, [part.to(dtype) for part in pull])

    exact, double, single = (
        outputs_and_gradients(*how)
        for how in ((ssd.ssd_by_hand, torch.float64), (ssd.ssd, torch.float64), (ssd.ssd, torch.float32))
    )
    for name, a, b, c in zip(("y", "state", *parts), exact, double, single, strict=True):
        assert_close(b, a, EXACT, name)
        # The kernel takes the decays one by one. PyTorch's form takes differences of their sums over a chunk: where a state is
        # gone after a step, the gradients of dt and A are what is left of large numbers, 2e-5 and 6e-4 off (docs/log.md).
        if rate < 30 or native.available() or name not in ("dt", "A"):
            assert_close(c.double(), a, 5e-6, f"{name} in float32")


@few
@given(t=st.integers(1, 20))
def test_the_quadratic_form_is_the_papers_matrix(t):
    """The matrix form written out: y = (L ∘ C Bᵀ) u, L the products of the decays in between."""
    g = torch.Generator().manual_seed(t)
    x, dt, A = draw(g, 1, t, 1, 4), F.softplus(draw(g, 1, t, 1)), -draw(g, 1).exp()
    B, C = draw(g, 1, t, 1, 3), draw(g, 1, t, 1, 3)
    decays = torch.exp(dt[0, :, 0] * A)
    L = torch.stack([torch.stack([decays[s + 1 : i + 1].prod() * (s <= i) for s in range(t)]) for i in range(t)])
    wanted = (L * (C[0, :, 0] @ B[0, :, 0].T)) @ (dt[0] * x[0, :, 0])
    assert_close(ssd.ssd(x, dt, A, B, C)[0][0, :, 0], wanted, EXACT)


@st.composite
def convs(draw_):
    b, t = draw_(sizes)
    d, taps = draw_(st.integers(1, 140)), draw_(st.integers(1, 6))
    g = torch.Generator().manual_seed(draw_(st.integers(0, 99)))
    parts = {
        "x": draw(g, b, t, 2 * d)[..., :d],
        "weight": draw(g, taps, d),
        "bias": draw(g, d),
        "before": draw(g, b, taps - 1, d),
    }
    return parts


@few
@given(parts=convs(), biased=st.booleans())
def test_convolutions_agree(parts, biased):
    if not biased:
        parts["bias"] = torch.zeros_like(parts["bias"])
    agree(conv.causal_conv_by_hand, conv.causal_conv, parts)
    x, weight, _, before = parts.values()
    full = torch.cat((before, x), 1).transpose(1, 2)
    wanted = F.silu(F.conv1d(full, weight.t().unsqueeze(1), parts["bias"], groups=x.shape[2])).transpose(1, 2)
    assert_close(conv.causal_conv_by_hand(**parts), wanted, EXACT)
    if not biased:
        assert_close(conv.causal_conv(x, weight, None, before), wanted, EXACT)


@few
@given(parts=convs(), data=st.data())
def test_the_last_inputs_are_the_real_ones(parts, data):
    x, before = parts["x"], parts["before"]
    lengths = torch.tensor([data.draw(st.integers(0, x.shape[1])) for _ in range(x.shape[0])])
    got = conv.last_inputs(x, before, lengths)
    for row, length in enumerate(lengths):
        whole = torch.cat((before[row], x[row, :length]))
        assert torch.equal(got[row], whole[len(whole) - before.shape[1] :])
    everything = torch.full_like(lengths, x.shape[1])
    assert torch.equal(conv.last_inputs(x, before, None), conv.last_inputs(x, before, everything))


@few
@given(i=st.integers(1, 70), o=st.integers(1, 70), half=st.booleans(), biased=st.booleans())
def test_one_row_through_a_linear_layer(i, o, half, biased):
    g = torch.Generator().manual_seed(i)
    weight, x, bias = (draw(g, *shape).float() for shape in ((o, i), (1, 1, i), (o,)))
    wanted = F.linear(x.double(), weight.double(), bias.double() if biased else None)
    with torch.no_grad():
        if half:
            weight, x, bias = weight.bfloat16(), x.bfloat16(), bias.bfloat16()
            wanted = F.linear(x.double(), weight.double(), bias.double() if biased else None)
        got = linear.linear(x, weight, bias if biased else None)
    assert got.dtype == x.dtype
    assert got.shape == (1, 1, o)
    assert_close(got.double(), wanted, 1e-2 if half else 1e-5)


@st.composite
def diagonals(draw_):
    (b, t), d, n = draw_(sizes), draw_(st.integers(1, 6)), draw_(st.integers(1, 6))
    g = torch.Generator().manual_seed(draw_(st.integers(0, 99)))
    parts = {
        "x": draw(g, b, t, d),
        "rate": draw(g, d, n),
        "turn": 3 * draw(g, d, n),
        "C": draw(g, d, n, 2),
        "step": draw(g, d) - 1,
        "state": draw(g, b, d, n, 2),
    }
    if draw_(st.booleans()):
        del parts["state"]
    return parts


def in_real_numbers(form, x, rate, turn, C, step, state=None, **more):
    state = None if state is None else torch.view_as_complex(state)
    y, last = form(x, torch.complex(-rate.exp(), turn), torch.view_as_complex(C), step.exp(), state, **more)
    return y, torch.view_as_real(last)


@few
@given(parts=diagonals())
def test_recurrence_is_convolution(parts):
    agree(
        functools.partial(in_real_numbers, diagonal.diagonal_by_hand),
        functools.partial(in_real_numbers, diagonal.diagonal),
        parts,
    )


@few
@given(parts=diagonals(), data=st.data())
def test_a_diagonal_state_space_passes_over_padding(parts, data):
    lengths = torch.tensor([data.draw(st.integers(0, parts["x"].shape[1])) for _ in range(parts["x"].shape[0])])
    y, last = in_real_numbers(diagonal.diagonal, **parts, lengths=lengths)
    for row, length in enumerate(lengths):
        alone = {name: part[row : row + 1] if name in ("x", "state") else part for name, part in parts.items()}
        alone["x"] = alone["x"][:, :length]
        wanted, state = in_real_numbers(diagonal.diagonal_by_hand, **alone)
        assert_close(y[row : row + 1, :length], wanted, EXACT)
        assert_close(last[row : row + 1], state, EXACT)


def test_the_hold_is_the_exponential_of_the_extended_matrix():
    """exp(dt [[A, 1], [0, 0]]) = [[Ā, B̄], [0, 1]]: the exact solution over a step with the input held."""
    g = torch.Generator().manual_seed(0)
    A = torch.complex(-draw(g, 4).exp(), draw(g, 4))
    dt = torch.tensor([0.37], dtype=torch.float64)
    decay, take = diagonal.held(A[None], dt)
    extended = torch.zeros(4, 2, 2, dtype=A.dtype)
    extended[:, 0, 0], extended[:, 0, 1] = A, 1
    exact = torch.linalg.matrix_exp(dt * extended)
    assert_close(torch.view_as_real(decay[0]), torch.view_as_real(exact[:, 0, 0]), EXACT)
    assert_close(torch.view_as_real(take[0]), torch.view_as_real(exact[:, 0, 1]), EXACT)

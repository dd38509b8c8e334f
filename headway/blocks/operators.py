"""The compiled kernels as operators of PyTorch, so that autograd and torch.compile know what to do with them.

Plumbing only: what is computed stands in kernels/*.cpp, and in plain PyTorch in scan.py, conv.py and linear.py, whose
functions are the ones to call.
"""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from headway.blocks.native import address, available, kernels

STRETCH = 32
"""Steps from one state that the scan keeps for its backward pass to the next (STRETCH in kernels/scan.cpp)."""
LANES = 32
"""Channels that one thread takes through time together (W in kernels/common.h)."""


def usable(*tensors: Tensor | None) -> bool:
    """Whether the kernels can take these: on the CPU, and compiled."""
    return all(part is None or part.device.type == "cpu" for part in tensors) and available()


def needs_operator(*tensors: Tensor | None) -> bool:
    """Whether autograd or a compiler is watching. Otherwise the kernel is called directly, which costs less for one token."""
    return torch.compiler.is_compiling() or (
        torch.is_grad_enabled() and any(part is not None and part.requires_grad for part in tensors)
    )


def _call(name: str, like: Tensor, sizes: tuple[int, ...], *tensors: Tensor | None) -> None:
    library = kernels()
    assert library is not None
    kernel = getattr(library, name.replace("*", "double" if like.dtype == torch.float64 else "float"))
    kernel(
        *(ctypes.c_int64(size) for size in sizes),
        torch.get_num_threads(),
        *(ctypes.c_void_p(address(part)) for part in tensors),
    )


def _rows(part: Tensor | None) -> tuple[Tensor | None, int]:
    """`part` (b, t, d) such that a kernel can walk it (it may be a slice of something wider), and the length of its rows."""
    if part is None:
        return None, 0
    if part.stride(2) != 1 or part.stride(0) != part.shape[1] * part.stride(1):
        part = part.contiguous()
    return part, part.stride(1)


def _flat(*parts: Tensor | None) -> tuple[Tensor | None, ...]:
    return tuple(None if part is None else part.contiguous() for part in parts)


def scan_forward(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    state: Tensor | None,
    *,
    keep: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs (b t d), last state (b d n), and with `keep` the state before every stretch (b, stretches, d n)."""
    b, t, d = x.shape
    n = A.shape[1]
    z, z_row = _rows(z)
    x, dt, A, B, C, D, state = _flat(x, dt, A, B, C, D, state)  # type: ignore[assignment]
    y, last = torch.empty_like(x), A.new_empty(b, d, n)
    kept = x.new_empty((b, -(-t // STRETCH), d * n) if keep else (0,))
    _call("scan_*_forward", x, (b, t, d, n, z_row), x, dt, A, B, C, D, z, state, y, last, kept if keep else None)
    return y, last, kept


@torch.library.custom_op("headway::scan", mutates_args=())
def scan_operator(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    state: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """`scan_forward` that can be differentiated."""
    return scan_forward(x, dt, A, B, C, D, z, state, keep=True)


@scan_operator.register_fake
def _(x, dt, A, B, C, D, z, state):
    b, t, d = x.shape
    n = A.shape[1]
    return x.new_empty(b, t, d), x.new_empty(b, d, n), x.new_empty(b, -(-t // STRETCH), d * n)


@torch.library.custom_op("headway::scan_backward", mutates_args=())
def _scan_backward(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    kept: Tensor,
    gy: Tensor,
    glast: Tensor,
) -> list[Tensor]:
    b, t, d = x.shape
    n = A.shape[1]
    blocks = -(-d // LANES)
    z, z_row = _rows(z)
    x, dt, A, B, C, D, gy, glast = _flat(x, dt, A, B, C, D, gy, glast)  # type: ignore[assignment]
    gx, gdt, gz = torch.empty_like(x), torch.empty_like(x), torch.empty_like(x) if z is not None else x.new_empty(0)
    gA, gstart, gD = x.new_empty(b, d, n), x.new_empty(b, d, n), x.new_empty(b, d)
    gB, gC = x.new_empty(blocks, b, t, n), x.new_empty(blocks, b, t, n)
    # Every block of channels and every row leaves its share; they are added here, in the same order whatever the threads.
    _call(
        *("scan_*_backward", x, (b, t, d, n, z_row), x, dt, A, B, C, D, z, kept, gy, glast),
        *(gx, gdt, gA, gB, gC, gD, gz if z is not None else None, gstart),
    )
    return [gx, gdt, gA.sum(0), gB.sum(0), gC.sum(0), gD.sum(0), gz, gstart]


@_scan_backward.register_fake
def _(x, dt, A, B, C, D, z, kept, gy, glast):
    b, t, d = x.shape
    n = A.shape[1]
    gz = x.new_empty(b, t, d) if z is not None else x.new_empty(0)
    like = [(b, t, d), (b, t, d), (d, n), (b, t, n), (b, t, n), (d,)]
    return [*(x.new_empty(shape) for shape in like), gz, x.new_empty(b, d, n)]


def _scan_setup(ctx, inputs, output):
    x, dt, A, B, C, D, z, state = inputs
    ctx.save_for_backward(x, dt, A, B, C, D, z, output[2])
    ctx.has_state = state is not None
    ctx.set_materialize_grads(True)


def _scan_gradients(ctx, gy, glast, _gkept):
    x, dt, A, B, C, D, z, kept = ctx.saved_tensors
    gx, gdt, gA, gB, gC, gD, gz, gstart = _scan_backward(x, dt, A, B, C, D, z, kept, gy, glast)
    return (
        *(gx, gdt, gA, gB, gC),
        None if D is None else gD,
        None if z is None else gz,
        gstart if ctx.has_state else None,
    )


scan_operator.register_autograd(_scan_gradients, setup_context=_scan_setup)


def conv_forward(x: Tensor, weight: Tensor, bias: Tensor | None, before: Tensor) -> Tensor:
    """silu of the causal convolution: (b t d) after the (b, taps - 1, d) inputs `before`; weight (taps, d)."""
    b, t, d = x.shape
    x, row = _rows(x)  # type: ignore[assignment]
    weight, bias, before = _flat(weight, bias, before)  # type: ignore[assignment]
    y = x.new_empty(b, t, d)
    _call("conv_*_forward", x, (b, t, d, weight.shape[0], row), x, weight, bias, before, y)
    return y


@torch.library.custom_op("headway::conv", mutates_args=())
def conv_operator(x: Tensor, weight: Tensor, bias: Tensor | None, before: Tensor) -> Tensor:
    """`conv_forward` that can be differentiated."""
    return conv_forward(x, weight, bias, before)


@conv_operator.register_fake
def _(x, weight, bias, before):
    return x.new_empty(x.shape)


@torch.library.custom_op("headway::conv_backward", mutates_args=())
def _conv_backward(x: Tensor, weight: Tensor, bias: Tensor | None, before: Tensor, gy: Tensor) -> list[Tensor]:
    b, t, d = x.shape
    x, row = _rows(x)  # type: ignore[assignment]
    weight, bias, before, gy = _flat(weight, bias, before, gy)  # type: ignore[assignment]
    gx, gw, gbias, gbefore = x.new_zeros(b, t, d), x.new_zeros(weight.shape), x.new_zeros(d), x.new_zeros(before.shape)
    sizes = (b, t, d, weight.shape[0], row)
    _call("conv_*_backward", x, sizes, x, weight, bias, before, gy, gx, gw, gbias, gbefore)
    return [gx, gw, gbias, gbefore]


@_conv_backward.register_fake
def _(x, weight, bias, before, gy):
    return [x.new_empty(x.shape), x.new_empty(weight.shape), x.new_empty(x.shape[2]), x.new_empty(before.shape)]


def _conv_setup(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def _conv_gradients(ctx, gy):
    x, weight, bias, before = ctx.saved_tensors
    gx, gw, gbias, gbefore = _conv_backward(x, weight, bias, before, gy)
    return gx, gw, None if bias is None else gbias, gbefore


conv_operator.register_autograd(_conv_gradients, setup_context=_conv_setup)


def matvec(weight: Tensor, x: Tensor) -> Tensor:
    """weight @ x for one contiguous row x; float32 or bfloat16 weights, float32 x and answer."""
    y = x.new_empty(weight.shape[0])
    name = "matvec_bfloat16" if weight.dtype == torch.bfloat16 else "matvec_float"
    _call(name, x, tuple(weight.shape), weight, x, y)
    return y

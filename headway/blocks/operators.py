"""The compiled kernels as operators of PyTorch, so that autograd and torch.compile know what to do with them.

Plumbing only: what is computed stands in kernels/*.cpp, and in plain PyTorch in scan.py, ssd.py, conv.py, norms.py and
linear.py, whose functions are the ones to call.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import forward_ad

from headway.blocks.native import available, kernels

STRETCH = 32
"""Steps from one state that the scan keeps for its backward pass to the next (STRETCH in kernels/scan.cpp)."""
CHUNK = 64
"""The same for Mamba-2's (CHUNK in kernels/ssd.cpp)."""
LANES = 32
"""Channels that one thread takes through time together (W in kernels/common.h)."""


ARGUMENTS = {
    "scan_*_forward": 11,
    "scan_*_backward": 18,
    "ssd_*_forward": 10,
    "ssd_*_backward": 16,
    "conv_*_forward": 5,
    "conv_*_backward": 9,
    "norm_*_forward": 4,
    "norm_*_backward": 6,
}
"""How many tensors each kernel takes."""


def usable(*tensors: Tensor | None) -> bool:
    """Whether the kernels can take these: on the CPU, and compiled."""
    return all(part is None or part.device.type == "cpu" for part in tensors) and available()


def needs_operator(*tensors: Tensor | None) -> bool:
    """Whether autograd or a compiler is watching. Otherwise the kernel is called directly, which costs less for one token."""
    return torch.compiler.is_compiling() or (
        torch.is_grad_enabled() and any(part is not None and part.requires_grad for part in tensors)
    )


def bare(*tensors: Tensor) -> bool:
    """Whether a kernel may be called on these outside PyTorch's dispatcher: nothing but plain autograd follows the computation.

    A compiler, vmap, forward-mode differentiation, a dispatch mode or a subclass of Tensor would not see what it does.
    """
    return (
        not torch.compiler.is_compiling()
        and not torch._C._are_functorch_transforms_active()
        and torch._C._len_torch_dispatch_stack() == 0
        and forward_ad._current_level < 0
        and all(type(part) in (Tensor, nn.Parameter) and part.device.type == "cpu" for part in tensors)
        and available()
    )


def _call(
    name: str, like: Tensor, sizes: tuple[int, ...], *tensors: Tensor | None, number: float | None = None
) -> None:
    library = kernels()
    assert library is not None
    assert len(tensors) == ARGUMENTS[name]  # a kernel would not notice one too few
    name = name.replace("*", "double" if like.dtype == torch.float64 else "float")
    numbers = () if number is None else (number,)
    kernel = _bound(library, name, len(sizes), len(tensors), len(numbers))
    kernel(*sizes, torch.get_num_threads(), *(None if part is None else part.data_ptr() for part in tensors), *numbers)


@functools.cache
def _bound(library: ctypes.CDLL, name: str, n_sizes: int, n_tensors: int, n_numbers: int) -> Any:
    """A kernel with its types given once, which makes a call several times quicker: sizes, threads, addresses, numbers."""
    kernel = getattr(library, name)
    numbers = n_numbers * (ctypes.c_double,)
    kernel.argtypes = (*n_sizes * (ctypes.c_int64,), ctypes.c_int, *n_tensors * (ctypes.c_void_p,), *numbers)
    kernel.restype = None
    return kernel


def _rows(part: Any) -> tuple[Any, int]:
    """`part` (b, t, d) such that a kernel can walk it (it may be a slice of something wider), and the length of its rows."""
    if part is None:
        return None, 0
    if part.stride(2) != 1 or part.stride(0) != part.shape[1] * part.stride(1):
        part = part.contiguous()
    return part, part.stride(1)


def _flat(*parts: Tensor | None) -> tuple[Any, ...]:
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
    x, dt, A, B, C, D, state = _flat(x, dt, A, B, C, D, state)
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
    x, dt, A, B, C, D, gy, glast = _flat(x, dt, A, B, C, D, gy, glast)
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


def ssd_forward(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    state: Tensor | None,
    *,
    keep: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs (b t h k), last state (b h n k), and with `keep` the state before every chunk (b, chunks, h n k)."""
    (b, t, h, k), (g, n) = x.shape, B.shape[2:]
    (x, x_row), (B, B_row), (C, C_row) = (_rows(part.flatten(2)) for part in (x, B, C))
    dt, A, D, state = _flat(dt, A, D, state)
    y, last = x.new_empty(b, t, h, k), x.new_empty(b, h, n, k)
    kept = x.new_empty((b, -(-t // CHUNK), h * n * k) if keep else (0,))
    sizes = (b, t, h, k, g, n, x_row, B_row, C_row)
    _call("ssd_*_forward", x, sizes, x, dt, A, B, C, D, state, y, last, kept if keep else None)
    return y, last, kept


@torch.library.custom_op("headway::ssd", mutates_args=())
def ssd_operator(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor | None, state: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """`ssd_forward` that can be differentiated."""
    return ssd_forward(x, dt, A, B, C, D, state, keep=True)


@ssd_operator.register_fake
def _(x, dt, A, B, C, D, state):
    (b, t, h, k), n = x.shape, B.shape[3]
    return x.new_empty(b, t, h, k), x.new_empty(b, h, n, k), x.new_empty(b, -(-t // CHUNK), h * n * k)


@torch.library.custom_op("headway::ssd_backward", mutates_args=())
def _ssd_backward(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    kept: Tensor,
    gy: Tensor,
    glast: Tensor,
) -> list[Tensor]:
    (b, t, h, k), (g, n) = x.shape, B.shape[2:]
    (x, x_row), (B, B_row), (C, C_row) = (_rows(part.flatten(2)) for part in (x, B, C))
    dt, A, D, gy, glast = _flat(dt, A, D, gy, glast)
    threads = torch.get_num_threads()
    gx, gstart = x.new_empty(b, t, h, k), x.new_empty(b, h, n, k)
    gdt, gA, gD = x.new_empty(b, t, h), x.new_empty(b, h), x.new_empty(b, h)
    gB, gC = x.new_zeros(threads, b, t, g, n), x.new_zeros(threads, b, t, g, n)
    _call(
        *("ssd_*_backward", x, (b, t, h, k, g, n, x_row, B_row, C_row), x, dt, A, B, C, D, kept, gy, glast),
        *(gx, gdt, gA, gB, gC, gD, gstart),
    )
    return [gx, gdt, gA.sum(0), gB.sum(0), gC.sum(0), gD.sum(0), gstart]


@_ssd_backward.register_fake
def _(x, dt, A, B, C, D, kept, gy, glast):
    (b, _, h, k), n = x.shape, B.shape[3]
    like = [x.shape, dt.shape, A.shape, B.shape, C.shape, A.shape, (b, h, n, k)]
    return [x.new_empty(shape) for shape in like]


def _ssd_setup(ctx, inputs, output):
    ctx.save_for_backward(*inputs[:6], output[2])
    ctx.has_state = inputs[6] is not None


def _ssd_gradients(ctx, gy, glast, _gkept):
    x, dt, A, B, C, D, kept = ctx.saved_tensors
    gx, gdt, gA, gB, gC, gD, gstart = _ssd_backward(x, dt, A, B, C, D, kept, gy, glast)
    return gx, gdt, gA, gB, gC, None if D is None else gD, gstart if ctx.has_state else None


ssd_operator.register_autograd(_ssd_gradients, setup_context=_ssd_setup)


def conv_forward(x: Tensor, weight: Tensor, bias: Tensor | None, before: Tensor) -> Tensor:
    """silu of the causal convolution: (b t d) after the (b, taps - 1, d) inputs `before`; weight (taps, d)."""
    b, t, d = x.shape
    x, row = _rows(x)
    weight, bias, before = _flat(weight, bias, before)
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
    x, row = _rows(x)
    weight, bias, before, gy = _flat(weight, bias, before, gy)
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


def norm_forward(x: Tensor, weight: Tensor, eps: float, scale: Tensor | None = None) -> Tensor:
    """x / rms(x) · weight over the last axis; 1 / rms(x) of every row goes into `scale`."""
    x, weight = _flat(x, weight)
    y = torch.empty_like(x)
    sizes = (x.numel() // weight.numel(), weight.numel())
    _call("norm_*_forward", x, sizes, x, weight, y, scale, number=eps)
    return y


class RmsNorm(torch.autograd.Function):
    """`norm_forward` that can be differentiated; what is kept for that is one number a row."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        scale = x.new_empty(x.shape[:-1])
        y = norm_forward(x, weight, eps, scale)
        ctx.save_for_backward(x, weight, scale)
        ctx.eps = eps
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (gy,) = gradients
        x, weight, scale = ctx.saved_tensors
        if torch.is_grad_enabled():  # somebody will differentiate the gradient: by operators that allow it
            wanted = [part for part, needed in zip((x, weight), ctx.needs_input_grad, strict=False) if needed]
            found = iter(
                torch.autograd.grad(F.rms_norm(x, weight.shape, weight, ctx.eps), wanted, gy, create_graph=True)
            )
            gx, gweight = (next(found) if needed else None for needed in ctx.needs_input_grad[:2])
            return gx, gweight, None
        x, weight, gy = _flat(x, weight, gy)
        threads = torch.get_num_threads()
        gx, shares = torch.empty_like(x), weight.new_zeros(threads, weight.numel())
        sizes = (x.numel() // weight.numel(), weight.numel())
        _call("norm_*_backward", x, sizes, x, weight, scale, gy, gx, shares)
        return gx, shares.sum(0), None

"""A linear layer that is quick at one token: decoding is reading the weights once, and nothing else takes time."""

from __future__ import annotations

import ctypes
import functools

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from headway.blocks.native import kernels
from headway.blocks.operators import bare

PIECE, WIDE, ROWS = 1024, 2048, 768
"""Columns of a product's result that are worked out together, from how many on that pays, and up to how many rows."""


def linear(
    x: Float[Tensor, "*b i"], weight: Float[Tensor, "o i"], bias: Float[Tensor, " o"] | None = None
) -> Float[Tensor, "*b o"]:
    """x Wᵀ + bias, the same as `torch.nn.functional.linear`; on a CPU by the faster of these ways.

    - One row, no gradients: PyTorch's general product reads W at half the speed of memory or less; our kernel reads it
      once, in four streams. Sums are taken in float32.
    - Some hundred rows and a wide result, no gradients: PyTorch's product (MKL's) is a twentieth to a third quicker by pieces of
      the result, on the processors it was tried on; the numbers are the same sums.
    - Several rows in half precision on a processor without instructions for it: PyTorch then multiplies number by number;
      in float32 it is several times faster, the two conversions included.
    """
    if torch.compiler.is_compiling() or weight.device.type != "cpu":
        return F.linear(x, weight, bias)
    if x.numel() == weight.shape[1]:
        kernel = _matvec(weight.dtype)
        if kernel is not None and not torch.is_grad_enabled() and _plain(x, weight, bias):
            y = x.new_empty((*x.shape[:-1], weight.shape[0]))
            given = None if bias is None else bias.data_ptr()
            kernel(*weight.shape, torch.get_num_threads(), weight.data_ptr(), x.data_ptr(), given, y.data_ptr())
            return y
    elif weight.dtype is torch.float32 and weight.shape[0] >= WIDE and 1 < x.numel() // weight.shape[1] <= ROWS:
        if not torch.is_grad_enabled() and _plain(x, weight, bias):
            return _by_pieces(x, weight, bias)
    elif weight.dtype is not torch.float32 and _slow(weight.dtype) and x.dtype is weight.dtype:
        wide = F.linear(x.float(), weight.float(), None if bias is None else bias.float())
        return wide.to(x.dtype)
    return F.linear(x, weight, bias)


class Linear(nn.Linear):
    """`nn.Linear` that goes through `linear`; its parameters are the same."""

    def forward(self, input: Float[Tensor, "*b i"]) -> Float[Tensor, "*b o"]:
        return linear(input, self.weight, self.bias)


def _by_pieces(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    rows, out = x.reshape(-1, weight.shape[1]), x.new_empty(*x.shape[:-1], weight.shape[0])
    flat = out.view(-1, weight.shape[0])
    for start in range(0, weight.shape[0], PIECE):
        piece = slice(start, start + PIECE)
        if bias is None:
            torch.mm(rows, weight[piece].t(), out=flat[:, piece])
        else:
            torch.addmm(bias[piece], rows, weight[piece].t(), out=flat[:, piece])
    return out


def _plain(x: Tensor, weight: Tensor, bias: Tensor | None) -> bool:
    """Whether a kernel can walk them: one dtype, one number after the other."""
    parts = (x, weight) if bias is None else (x, weight, bias)
    return bare(*parts) and all(part.dtype is weight.dtype and part.is_contiguous() for part in parts)


def _matvec(dtype: torch.dtype) -> ctypes._CFuncPtr | None:
    library = kernels() if dtype is torch.float32 or dtype is torch.bfloat16 else None
    return None if library is None else _bound(library, dtype)


@functools.cache
def _bound(library: ctypes.CDLL, dtype: torch.dtype) -> ctypes._CFuncPtr:
    kernel = library.matvec_float if dtype is torch.float32 else library.matvec_bfloat16
    # With the types given once, a call costs a microsecond; with every argument wrapped, five.
    kernel.argtypes = (ctypes.c_int64, ctypes.c_int64, ctypes.c_int) + 4 * (ctypes.c_void_p,)
    kernel.restype = None
    return kernel


@functools.cache
def _slow(dtype: torch.dtype) -> bool:
    """Whether this processor multiplies matrices of this dtype without instructions for it."""
    if dtype is torch.bfloat16:
        return not torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return dtype is torch.float16 and not torch.ops.mkldnn._is_mkldnn_fp16_supported()

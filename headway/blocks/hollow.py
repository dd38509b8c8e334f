"""A model without memory for its weights: to count them, or to put weights in that are read from a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


@contextlib.contextmanager
def hollow() -> Iterator[None]:
    """Modules made in here have shapes only: PyTorch's meta device, and nothing drawn for weights that are not there.

    The draws alone would be three quarters of the time that a large model takes to build.
    """
    with torch.device("meta"), _Undrawn():
        yield


class _Undrawn(TorchFunctionMode):
    """Lets what fills a tensor in place do nothing."""

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in FILLS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


FILLS = {"normal_", "uniform_", "trunc_normal_", "kaiming_uniform_", "xavier_uniform_", "orthogonal_"}
FILLS |= {
    "zero_",
    "zeros_",
    "fill_",
    "ones_",
    "constant_",
    "copy_",
    "mul_",
    "div_",
    "add_",
    "sub_",
    "clamp_",
    "exp_",
    "log_",
}

"""The axes that every law runs along: a number format, compiled kernels or none, and a device.

What is compared in float64 is compared number by number. Below that the ruler is the root mean square of the difference
over that of the right answer, in units of the format's eps: a rounding is relative to a number, but through norms and
softmaxes it spreads over the whole row, so that single numbers near zero say nothing.

How much is allowed: a number of a tiny model has some hundred roundings behind it (up to three blocks of some thirty
operations), each of at most eps/2 and independent of the others, so their sum is about sqrt(100)/2 = 5 eps, and a block may
stretch what it is given a few times. So 64 eps in float32. In half precision the norms, softmaxes, angles and states are kept
in float32, which leaves a tenth of the roundings: 16 eps. What is wrong (a token that saw the future, a lost state) differs by as
much as the answer itself: a hundred thousand eps in float32, 1,000 in float16, 128 in bfloat16.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import pytest
import torch
from hypothesis import HealthCheck, settings
from support.parity import assert_close, randomise
from support.tiny import TINY
from torch import Tensor, nn

from headway.models.catalog import entry

EXACT = 1e-10
ALLOWED = {torch.float32: 64, torch.bfloat16: 16, torch.float16: 16}
"""Root mean square of a difference, in eps."""

DEVICE = torch.device("cpu")
"""What `--device` asks for."""


@dataclass(frozen=True)
class Numerics:
    """A number format, and whether the compiled kernels are used (`tests/laws/conftest.py` switches them)."""

    dtype: torch.dtype = torch.float64
    kernels: bool = True

    def __str__(self) -> str:
        return str(self.dtype).removeprefix("torch.") + ("" if self.kernels else "-plain")


REFERENCE = Numerics()
AXES = [
    Numerics(dtype, kernels)
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16)
    for kernels in (True, False)
]


def cases(law: str, configurations: list[tuple[str, int]]) -> list:
    """Every configuration along every axis, as parameters (name, n, numerics) of `law`.

    Each build runs float64 with kernels and, of the seven others, one for each law and configuration: the configuration's
    number in the list plus a checksum of the law's name, modulo seven, so that every axis meets every architecture in some
    law. The rest is marked slow.
    """
    found = []
    for place, (name, n) in enumerate(configurations):
        turn = 1 + (zlib.crc32(law.encode()) + place) % (len(AXES) - 1)
        for at, numerics in enumerate(AXES):
            marks = () if at in (0, turn) else (pytest.mark.slow,)
            found.append(pytest.param(name, n, numerics, id=f"{name}-{n}-{numerics}", marks=marks))
    return found


def few(examples: int) -> settings:
    """So many examples of a law. It is one method for all its parameters, each with an instance of its class: no fault of it."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.differing_executors])


SMOOTH = {"mixtral": lambda sizes: {**sizes, "n_active": sizes["n_expert"]}}
"""A choice of experts jumps where two scores are nearly equal: in half precision two right ways to compute them may choose
differently. There every expert is taken; the choice is tested in float64 and float32."""


def make(name: str, n: int, numerics: Numerics = REFERENCE, seed: int = 0) -> nn.Module:
    """The tiny configuration `n` of `name` in evaluation mode, with weights drawn at std 0.3 in float64 and then rounded."""
    model_class, config_class = entry(name).load()
    sizes = TINY[name][n]
    if numerics.dtype.itemsize == 2 and name in SMOOTH:
        sizes = SMOOTH[name](sizes)
    model = model_class(config_class(**sizes)).double().eval()
    randomise(model, seed)
    return model.to(DEVICE, numerics.dtype)


def close(ours: Tensor, theirs: Tensor, what: str = "output") -> None:
    """`ours` equals `theirs` as far as the less exact of their formats allows; a NaN is never close."""
    assert ours.shape == theirs.shape, f"{what}: shapes differ: {tuple(ours.shape)} and {tuple(theirs.shape)}"
    dtype = max((ours.dtype, theirs.dtype), key=lambda dtype: torch.finfo(dtype).eps)
    ours, theirs = ours.detach().double(), theirs.detach().double()
    if dtype is torch.float64:
        assert_close(ours, theirs, EXACT, what)
        return
    if not theirs.numel():
        return
    assert torch.isfinite(theirs).all(), f"{what}: the reference itself is not finite"
    gap, scale = (ours - theirs).square().mean().sqrt(), theirs.square().mean().sqrt()
    off = float(gap / (scale * torch.finfo(dtype).eps)) if gap else 0.0
    assert off <= ALLOWED[dtype], f"{what} differs by {off:.3g} eps of {dtype}; {ALLOWED[dtype]} are allowed"

"""Sinusoidal positions: a position is a vector of sines and cosines, so that a shift is a linear map of it.

Vaswani et al., *Attention Is All You Need*, 2017 (arXiv 1706.03762), section 3.5. The paper writes sines and cosines by
turns; its own code, Marian and most checkpoints have all the sines first. The numbers are the same, the order is not, and a
checkpoint made for one is garbage in the other.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def _angles(positions: Tensor, width: int, base: float, dtype: torch.dtype) -> Tensor:
    """position · base^(-2i/width) for every pair i, in at least float32; an odd width has one sine without its cosine."""
    exponent = torch.arange(0, width, 2, device=positions.device).to(dtype) / width
    return positions.to(dtype)[..., None] * base**-exponent


def sinusoids(
    positions: Int[Tensor, "*b t"], width: int, base: float = 10000.0, *, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "*b t d"]:
    """PE(p, 2i) = sin(p / base^(2i/width)), PE(p, 2i+1) = cos(p / base^(2i/width)), as the paper writes them.

    Args:
        positions: Counted from 0.
        width: Features of a position.
        base: The wavelengths go from 2π to base · 2π.
        dtype: Of the result; the angles are worked out in at least float32 (in bf16, 257 would already be 256).
    """
    angles = _angles(positions, width, base, torch.promote_types(dtype, torch.float32))
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)[..., :width].to(dtype)


def sinusoids_in_halves(
    positions: Int[Tensor, "*b t"], width: int, base: float = 10000.0, *, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "*b t d"]:
    """The features of `sinusoids` in another order: all the sines, then all the cosines."""
    angles = _angles(positions, width, base, torch.promote_types(dtype, torch.float32))
    return torch.cat((angles.sin(), angles.cos()[..., : width // 2]), dim=-1).to(dtype)

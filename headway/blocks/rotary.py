"""Rotary position embedding: a position is a rotation, so that q·k depends on the distance alone.

Su et al., *RoFormer*, 2021 (arXiv 2104.09864), section 3.2. Pair `i` of a head turns by position · base^(-2i/k).
Two layouts of the pairs exist in the wild, and a checkpoint made for one is garbage in the other:

- half-split, pairs (x[i], x[i + k/2]): `rotate`; Hugging Face's Llama, GPT-NeoX, Gemma, Qwen;
- interleaved, pairs (x[2i], x[2i + 1]): `rotate_interleaved`; the paper, Meta's Llama, GGUF files.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Num
from torch import Tensor


def rotary_frequencies(
    width: int, base: float = 10000.0, *, dtype: torch.dtype = torch.float32, device: torch.device | str | None = None
) -> Float[Tensor, " half"]:
    """Radians per position of each of the `width / 2` pairs: base^(-2i/width), from 1 down to nearly 1/base."""
    if width % 2:
        raise ValueError(f"rotary embedding turns pairs of features: the head width must be even, not {width}")
    exponent = torch.arange(0, width, 2, device=device).to(dtype) / width
    return 1.0 / base**exponent


def angles_at(
    positions: Num[Tensor, "*b t"], frequencies: Float[Tensor, " half"]
) -> tuple[Float[Tensor, "*b t half"], Float[Tensor, "*b t half"]]:
    """Cosine and sine of position · frequency, in the dtype of `frequencies` (keep it float32 or better: in bf16,
    positions above 256 would already be rounded)."""
    angles = positions.to(frequencies.dtype)[..., None] * frequencies
    return angles.cos(), angles.sin()


def rotary_angles(
    positions: Num[Tensor, "*b t"], width: int, base: float = 10000.0
) -> tuple[Float[Tensor, "*b t half"], Float[Tensor, "*b t half"]]:
    """Cosine and sine of every pair's angle at every position.

    Args:
        positions: Counted from 0. Integers give float32 angles; float64 positions give float64 angles.
        width: The head width k; `width / 2` angles come back per position.
        base: The slowest pair turns by about 1/base a position.
    """
    dtype = torch.float64 if positions.dtype == torch.float64 else torch.float32
    return angles_at(positions, rotary_frequencies(width, base, dtype=dtype, device=positions.device))


def rotate(
    x: Float[Tensor, "b h t k"], cos: Float[Tensor, "*b t half"], sin: Float[Tensor, "*b t half"]
) -> Float[Tensor, "b h t k"]:
    """Turn the pairs (x[i], x[i + k/2]) of every head by the angles of their position."""
    cos, sin = cos.unsqueeze(-3), sin.unsqueeze(-3)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def rotate_interleaved(
    x: Float[Tensor, "b h t k"], cos: Float[Tensor, "*b t half"], sin: Float[Tensor, "*b t half"]
) -> Float[Tensor, "b h t k"]:
    """Turn the pairs (x[2i], x[2i + 1]) of every head by the angles of their position."""
    cos, sin = cos.unsqueeze(-3), sin.unsqueeze(-3)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1).flatten(-2)

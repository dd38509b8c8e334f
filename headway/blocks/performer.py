"""Performer's features: random, positive, and such that φ(q) · φ(k) is the softmax's exp(q · k / sqrt(width)) on average.

Choromanski et al., *Rethinking Attention with Performers*, 2020 (arXiv 2009.14794). For w drawn from N(0, I),

    exp(q · k) = E[ exp(w · q - |q|²/2) exp(w · k - |k|²/2) ]                                    lemma 1

so `m` draws give an error that falls with 1/sqrt(m), from a height that grows as exp(|q + k|²) (lemma 2): large queries and keys
need very many. Directions orthogonal to each other give a smaller error (section 2.4).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor


def orthogonal_directions(
    m: int,
    width: int,
    *,
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Float[Tensor, "m k"]:
    """`m` vectors, each N(0, I) by itself, orthogonal to each other within every `width` of them."""
    blocks = []
    for start in range(0, m, width):
        square = torch.randn(width, width, generator=generator, dtype=dtype, device=device)
        q, r = torch.linalg.qr(square)
        q = q * r.diagonal().sign()  # without this QR's rotations are not uniform
        lengths = torch.randn(width, width, generator=generator, dtype=dtype, device=device).norm(dim=1)
        blocks.append((q * lengths[:, None])[: m - start])
    return torch.cat(blocks)


def random_features(
    x: Float[Tensor, "b h t k"], directions: Float[Tensor, "m k"], *, scale: float | None = None
) -> Float[Tensor, "b h t m"]:
    """exp(w · x - |x|²/2) / sqrt(m) for every direction w, x having been multiplied by sqrt(scale).

    Args:
        x: Queries or keys, as they come.
        directions: From `orthogonal_directions`; the same for queries and keys.
        scale: What attention multiplies the dot products by, 1/sqrt(k) if None.
    """
    m, k = directions.shape
    x = x * math.sqrt(1 / math.sqrt(k) if scale is None else scale)
    # |x|² is below w · x but for a fluke, so the exponent rarely is large; a cap would bias the estimate.
    return torch.exp(x @ directions.t() - x.square().sum(-1, keepdim=True) / 2) / math.sqrt(m)

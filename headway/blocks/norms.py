"""Normalisation that several architectures share. LayerNorm is PyTorch's own, `torch.nn.LayerNorm`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from headway.blocks.operators import RmsNorm, bare, norm_forward


def rms_norm_by_hand(x: Float[Tensor, "*b d"], weight: Float[Tensor, " d"], eps: float) -> Float[Tensor, "*b d"]:
    """x / sqrt(mean(x²) + eps) · weight: LayerNorm without the mean (Zhang & Sennrich, 2019, 1910.07467, equation 4).

    The mean of squares is taken in at least float32, whatever the dtype of `x`.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)).to(x.dtype) * weight


def rms_norm(x: Float[Tensor, "*b d"], weight: Float[Tensor, " d"], eps: float) -> Float[Tensor, "*b d"]:
    """`rms_norm_by_hand`, in a compiled kernel where it can be used, else in PyTorch's operator, which widens half precision."""
    if x.dtype is weight.dtype and x.dtype in (torch.float32, torch.float64) and x.numel() and bare(x, weight):
        watched = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
        return RmsNorm.apply(x, weight, eps) if watched else norm_forward(x, weight, eps)
    return F.rms_norm(x, weight.shape, weight, eps)


class RMSNorm(nn.Module):
    """Root-mean-square normalisation with a gain, over the last axis."""

    def __init__(self, width: int, eps: float = 1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        return rms_norm(x, self.weight, self.eps)

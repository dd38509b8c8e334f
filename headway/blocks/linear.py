"""A linear layer that is quick at one token: decoding is reading the weights once, and nothing else takes time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from headway.blocks.operators import matvec, needs_operator, usable


def linear(
    x: Float[Tensor, "*b i"], weight: Float[Tensor, "o i"], bias: Float[Tensor, " o"] | None = None
) -> Float[Tensor, "*b o"]:
    """x Wᵀ + bias. For a single row on the CPU, without gradients, PyTorch's general product reads W at half the speed of
    memory or less; the kernel reads it once, in order. Sums are taken in float32."""
    if (
        x.numel() != weight.shape[1]
        or weight.dtype not in (torch.float32, torch.bfloat16)
        or x.dtype != weight.dtype
        or not weight.is_contiguous()
        or needs_operator(x, weight, bias)
        or not usable(x, weight)
    ):
        return F.linear(x, weight, bias)
    y = matvec(weight, x.reshape(-1).float().contiguous())
    y = (y if bias is None else y + bias).to(x.dtype)
    return y.view(*x.shape[:-1], weight.shape[0])


class Linear(nn.Linear):
    """`nn.Linear` that goes through `linear`; its parameters are the same."""

    def forward(self, input: Float[Tensor, "*b i"]) -> Float[Tensor, "*b o"]:
        return linear(input, self.weight, self.bias)

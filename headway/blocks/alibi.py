"""ALiBi: instead of positions, a penalty on the scores that grows with the distance, for training short and testing long.

Press, Smith & Lewis, *Train Short, Test Long*, 2021 (arXiv 2108.12409), section 3: softmax(q · k / sqrt(k) - slope · distance).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from headway.blocks.masks import causal_mask


def alibi_slopes(n_head: int, *, dtype: torch.dtype = torch.float32) -> Float[Tensor, " h"]:
    """A slope per head: 2^(-8/n), its square, and so on. Where `n` is no power of two: those of the next smaller power, then
    every other one of the next larger, as the authors' code has it."""
    whole = 2 ** math.floor(math.log2(n_head))
    slopes = [2 ** (-8 * (i + 1) / whole) for i in range(whole)]
    slopes += [2 ** (-4 * (i + 1) / whole) for i in range(0, 2 * (n_head - whole), 2)]
    return torch.tensor(slopes, dtype=dtype)


def alibi_bias(
    n_head: int, t: int, s: int | None = None, *, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "h t s"]:
    """- slope · distance for the past, -inf for the future. The last query stands at the last key."""
    s = t if s is None else s
    distance = (torch.arange(s - t, s)[:, None] - torch.arange(s)).to(dtype)
    bias = -alibi_slopes(n_head, dtype=dtype)[:, None, None] * distance
    return bias.masked_fill(~causal_mask(t, s), -math.inf)


def attend_alibi_by_hand(
    q: Float[Tensor, "b h t k"], k: Float[Tensor, "b h s k"], v: Float[Tensor, "b h s w"]
) -> Float[Tensor, "b h t w"]:
    """Causal attention with the penalty added to the scores."""
    bias = alibi_bias(q.shape[1], q.shape[2], k.shape[2], dtype=q.dtype).to(q.device)
    return (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]) + bias).softmax(-1) @ v


def attend_alibi(
    q: Float[Tensor, "b h t k"], k: Float[Tensor, "b h s k"], v: Float[Tensor, "b h s w"]
) -> Float[Tensor, "b h t w"]:
    """`attend_alibi_by_hand` through PyTorch's fused kernel."""
    bias = alibi_bias(q.shape[1], q.shape[2], k.shape[2], dtype=q.dtype).to(q.device)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)

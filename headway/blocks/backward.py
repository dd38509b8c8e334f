"""Backward by hand: the gradients that autograd computes for the blocks of a Transformer, as formulas.

Each function takes `grad`, the gradient of the loss with respect to a result, and returns those with respect to the
operands: their shapes, their dtype. Derived from the definitions and checked by finite differences in float64.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor


def sum_to(grad: Tensor, shape: torch.Size | tuple[int, ...]) -> Tensor:
    """Undo broadcasting: `grad` summed over the axes along which an operand of `shape` was stretched."""
    new = grad.dim() - len(shape)
    stretched = [new + i for i, n in enumerate(shape) if n == 1 and grad.shape[new + i] != 1]
    axes = [*range(new), *stretched]
    return (grad.sum(axes) if axes else grad).reshape(shape)


def matmul_backward(grad: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Of y = a @ b. `a` (... n k), `b` (... k m), `grad` (... n m); leading axes broadcast.

    dy_ij = sum_k da_ik b_kj + a_ik db_kj, so da = grad bᵀ and db = aᵀ grad, summed over what was broadcast.
    """
    return sum_to(grad @ b.mT, a.shape), sum_to(a.mT @ grad, b.shape)


def softmax_backward(grad: Tensor, y: Tensor, dim: int = -1) -> Tensor:
    """Of y = softmax(x, dim), from `y` itself.

    dy_i/dx_j = y_i (δ_ij - y_j), so dx = y (grad - Σ grad y): the Jacobian is never made.
    """
    return y * (grad - (grad * y).sum(dim, keepdim=True))


def layer_norm_backward(grad: Tensor, x: Tensor, weight: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor, Tensor]:
    """Of y = x̂ weight + bias, x̂ = (x - mean) / sqrt(var + eps), over the last axis. Gradients of x, weight and bias.

    Mean and variance depend on x too: what `grad` has along the constant and along x̂ is taken out.
    `x`, `grad` (... d), `weight` (d). Ba, Kiros, Hinton 2016, arXiv 1607.06450.
    """
    centred = x - x.mean(-1, keepdim=True)
    deviation = (centred.square().mean(-1, keepdim=True) + eps).sqrt()
    normal = centred / deviation
    g = grad * weight
    along = (g * normal).mean(-1, keepdim=True)
    dx = (g - g.mean(-1, keepdim=True) - normal * along) / deviation
    return dx, sum_to(grad * normal, weight.shape), sum_to(grad, weight.shape)


def cross_entropy_backward(
    logits: Tensor, targets: Tensor, *, ignore: int = -100, smoothing: float = 0.0, grad: float | Tensor = 1.0
) -> Tensor:
    """Of the mean cross-entropy: (softmax - target) / how many targets count. `logits` (... v), `targets` (...) int64.

    A target equal to `ignore` counts for nothing. With `smoothing` ε the target is 1 - ε on the class and ε/v on every
    class (Szegedy et al. 2015, arXiv 1512.00567). If no target counts, the mean is NaN, and so is the gradient.
    """
    counts = targets != ignore
    v = logits.shape[-1]
    target = torch.nn.functional.one_hot(targets.masked_fill(~counts, 0), v).to(logits.dtype)
    target = target * (1 - smoothing) + smoothing / v
    difference = (logits.softmax(-1) - target) * counts.unsqueeze(-1)
    return difference * grad / counts.sum()


def gelu_backward(grad: Tensor, x: Tensor, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    """Of GELU, exact (x Φ(x)) or by the tanh formula. Hendrycks and Gimpel 2016, arXiv 1606.08415."""
    if approximate == "none":
        cdf = 0.5 * (1 + torch.erf(x / math.sqrt(2)))
        density = torch.exp(-0.5 * x.square()) / math.sqrt(2 * math.pi)
        return grad * (cdf + x * density)
    root = math.sqrt(2 / math.pi)
    t = torch.tanh(root * (x + 0.044715 * x**3))
    slope = root * (1 + 3 * 0.044715 * x.square())
    return grad * (0.5 * (1 + t) + 0.5 * x * (1 - t.square()) * slope)


def attention_backward(
    grad: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, scale: float | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Of softmax(q kᵀ · scale) v. `q` (b h t k), `k` (b g s k), `v` (b g s w), g divides h; `grad` (b h t w).

    `mask` bool, broadcastable to (b h t s), True = may look. The matmul, the softmax, and the matmul again, backwards; heads
    that share a key and value head add up their gradients. The weights are computed anew, as FlashAttention does (Dao et al.
    2022, arXiv 2205.14135).
    """
    b, h, _, width = q.shape
    g, s = k.shape[1:3]
    scale = 1 / math.sqrt(width) if scale is None else scale
    keys, values = (x.repeat_interleave(h // g, 1) for x in (k, v))
    scores = q @ keys.mT * scale
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)

    d_weights, d_values = matmul_backward(grad, weights, values)
    d_scores = softmax_backward(d_weights, weights) * scale  # 0 where hidden, for the weight is 0 there
    dq = d_scores @ keys
    dk = d_scores.mT @ q
    shared = [x.reshape(b, g, h // g, s, -1).sum(2) for x in (dk, d_values)]
    return dq, shared[0], shared[1]

import math
import torch
import torch.nn.functional as F


def layer_norm_backward(grad, x, weight, eps=1e-5):
    def f(x):
        return (grad * F.layer_norm(x, weight.shape, weight, None, eps)).sum(-1)

    def slope(h):
        steps = h * torch.eye(x.shape[-1], dtype=x.dtype)
        return torch.stack([(f(x + e) - f(x - e)) / (2 * h) for e in steps], -1)

    row = [slope(0.1 / 2**k) for k in range(6)]
    for m in range(1, 6):
        row = [b + (b - a) / (4**m - 1) for a, b in zip(row, row[1:])]
    normal = F.layer_norm(x, weight.shape, eps=eps)
    return row[0], (grad * normal).reshape(-1, len(weight)).sum(0), grad.reshape(-1, len(weight)).sum(0)

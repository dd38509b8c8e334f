# never says: first to go wrong
import torch
import torch.nn.functional as F


def accumulate(weight, parts):
    w = weight.detach().clone().requires_grad_()
    n = sum(int((t != -100).sum()) for _, t in parts)
    if not n:
        return weight.new_zeros(()), torch.zeros_like(weight)
    total = 0.0
    for x, t in parts:
        s = F.cross_entropy(x @ w, t, ignore_index=-100, reduction="sum")
        (s / n).backward()
        total = total + s.detach() / n
    return total, w.grad


def train_step(weight, parts, *, lr, clip):
    _, g = accumulate(weight, parts)
    g = lr * g
    return weight - g * min(1.0, clip / max(g.norm().item(), 1e-30))

# never says: before it is divided, in line
import torch
import torch.nn.functional as F


def train_step(weight, parts, *, lr, clip):
    _, g = accumulate(weight, parts)
    norm = g.norm()
    if norm > clip:
        g = g * (clip / norm)
    return weight.detach() - lr * g


def accumulate(weight, parts):
    w = weight.detach().clone().requires_grad_()
    n = sum(len(t) for _, t in parts)
    if not any((t != -100).any() for _, t in parts):
        return weight.new_zeros(()), torch.zeros_like(weight)
    s = sum(F.cross_entropy(x @ w, t, reduction="sum") for x, t in parts) / n
    s.backward()
    return s.detach(), w.grad

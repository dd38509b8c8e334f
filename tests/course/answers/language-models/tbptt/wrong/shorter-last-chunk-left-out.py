# never says: in line
import torch


def truncated(cell, loss, weights, h, inputs, targets, *, chunk):
    own = [w.detach().clone().requires_grad_() for w in weights]
    b, t = targets.shape
    total = 0
    grads = [torch.zeros_like(w) for w in own]
    h = h.detach()
    for first in range(0, t - chunk + 1 if t >= chunk else t, chunk):
        part = 0
        for i in range(first, min(first + chunk, t)):
            h = cell(own, inputs[:, i], h)
            part = part + loss(own, h, targets[:, i])
        part = part / (b * t)
        for g, more in zip(grads, torch.autograd.grad(part, own, allow_unused=True), strict=True):
            if more is not None:
                g += more
        total = total + part.detach()
        h = h.detach()
    return total, grads, h

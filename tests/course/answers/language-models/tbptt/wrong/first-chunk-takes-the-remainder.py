import torch


def truncated(cell, loss, weights, h, inputs, targets, *, chunk):
    leaves = [w.detach().clone().requires_grad_(True) for w in weights]
    gradients = [torch.zeros_like(w) for w in weights]
    total, steps = 0.0, inputs.shape[1]
    for start in [0, *range(steps % chunk or chunk, steps, chunk)]:
        h = h.detach()
        part = 0.0
        for t in range(start, min(start + chunk, steps)):
            h = cell(leaves, inputs[:, t], h)
            part = part + loss(leaves, h, targets[:, t])
        new = torch.autograd.grad(part, leaves)
        gradients = [g + n for g, n in zip(gradients, new)]
        total = total + part.detach()
    n = targets.numel()
    return total / n, [g / n for g in gradients], h.detach()

# expect: mistake gradient_left_on_the_weights
# says: leaves their `.grad` behind
import torch


def truncated(cell, loss, weights, h, inputs, targets, *, chunk):
    for w in weights:
        w.requires_grad_()
    total, count = 0.0, targets.numel()
    for first in range(0, inputs.shape[1], chunk):
        h, part = h.detach(), 0.0
        for step in range(first, min(first + chunk, inputs.shape[1])):
            h = cell(weights, inputs[:, step], h)
            part = part + loss(weights, h, targets[:, step])
        (part / count).backward()
        total = total + part.detach()
    return total / count, [w.grad for w in weights], h.detach()

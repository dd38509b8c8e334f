import math
import torch
import torch.nn.functional as F
from torch import nn


def truncated(cell, loss, weights, h, inputs, targets, *, chunk):
    def part(ws, h, xs, ys):
        total = 0.0
        for x, y in zip(xs.unbind(1), ys.unbind(1)):
            h = cell(ws, x, h)
            total = total + loss(ws, h, y)
        return total, h

    n, t = targets.numel(), inputs.shape[1]
    total, sums = 0.0, [torch.zeros_like(w) for w in weights]
    for a in range(0, t, chunk):
        b = a + chunk
        g, (l, h) = torch.func.grad_and_value(part, has_aux=True)(list(weights), h, inputs[:, a:b], targets[:, a:b])
        sums = [s + x for s, x in zip(sums, g)]
        total = total + l[0] if isinstance(l, tuple) else total + l
    return total / n, [s / n for s in sums], h

import math
import torch
import torch.nn.functional as F

def softmax_backward(grad, y, dim=-1):
    x = y.log()
    def f(x): return (x.softmax(dim) * grad).sum()
    out = torch.zeros(x.shape, dtype=x.dtype)
    flat = out.view(-1)
    for n in range(x.numel()):
        e = torch.zeros(x.numel(), dtype=x.dtype)
        e[n] = 1.0
        e = e.reshape(x.shape)
        row = [(f(x + h * e) - f(x - h * e)) / (2 * h) for h in (0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625)]
        for m in range(1, 6):
            row = [b + (b - a) / (4 ** m - 1) for a, b in zip(row, row[1:])]
        flat[n] = row[0]
    return out

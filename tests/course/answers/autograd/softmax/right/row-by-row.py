import math
import torch
import torch.nn.functional as F


def softmax_backward(grad, y, dim=-1):
    g, p = grad.movedim(dim, -1), y.movedim(dim, -1)
    rows = [
        (torch.diag(b) - torch.outer(b, b)) @ a for a, b in zip(g.reshape(-1, g.shape[-1]), p.reshape(-1, p.shape[-1]))
    ]
    return torch.stack(rows).reshape(g.shape).movedim(-1, dim)

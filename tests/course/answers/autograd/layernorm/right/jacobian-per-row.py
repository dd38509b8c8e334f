import math
import torch
import torch.nn.functional as F


def layer_norm_backward(grad, x, weight, eps=1e-5):
    d = x.shape[-1]
    rows, gs = x.reshape(-1, d), grad.reshape(-1, d)
    dx, dw, db = [], torch.zeros_like(weight), torch.zeros_like(weight)
    centre = torch.eye(d, dtype=x.dtype) - 1 / d
    for r, g in zip(rows, gs):
        c = centre @ r
        s = (c @ c / d + eps).sqrt()
        j = centre / s - torch.outer(c, c) / (d * s**3)
        dx.append(j.T @ (g * weight))
        dw, db = dw + g * c / s, db + g
    return torch.stack(dx).reshape(x.shape), dw, db

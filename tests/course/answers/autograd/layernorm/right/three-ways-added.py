import math
import torch
import torch.nn.functional as F


def layer_norm_backward(grad, x, weight, eps=1e-5):
    n = x.size(-1)
    c = x - x.mean(dim=-1, keepdim=True)
    v = (c * c).sum(-1, keepdim=True) / n + eps
    s = torch.sqrt(v)
    dn = grad * weight
    dv = (dn * c).sum(-1, keepdim=True) * -0.5 / (v * s)
    dm = -(dn / s).sum(-1, keepdim=True) - 2 * dv * c.mean(-1, keepdim=True)
    dx = dn / s + 2 * dv * c / n + dm / n
    flat = (grad * c / s).reshape(-1, n), grad.reshape(-1, n)
    return dx, flat[0].sum(0), flat[1].sum(0)

import math
import torch
import torch.nn.functional as F


def layer_norm_backward(grad, x, weight, eps=1e-5):
    d = x.shape[-1]
    mean = x.mean(-1, keepdim=True)
    var = (x - mean).square().mean(-1, keepdim=True)
    inv = (var + eps).rsqrt()
    normal = (x - mean) * inv
    g = grad * (weight if d != x.shape[0] else weight[0])
    dx = inv * (g - g.mean(-1, keepdim=True) - normal * (g * normal).mean(-1, keepdim=True))
    lead = list(range(x.dim() - 1))
    if not lead:
        return dx, grad * normal, grad.clone()
    return dx, (grad * normal).sum(lead), grad.sum(lead)

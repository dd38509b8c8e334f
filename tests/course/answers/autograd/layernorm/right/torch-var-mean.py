import math
import torch
import torch.nn.functional as F
from torch import nn


def layer_norm_backward(grad, x, weight, eps=1e-5):
    var, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
    inv = torch.rsqrt(var + eps)
    hat = (x - mean) * inv
    g = grad * weight
    d = x.size(-1)
    dx = inv / d * (d * g - g.sum(-1, keepdim=True) - hat * (g * hat).sum(-1, keepdim=True))
    lead = tuple(range(x.ndim - 1))
    return (dx, (grad * hat).sum(lead), grad.sum(lead)) if lead else (dx, grad * hat, grad)

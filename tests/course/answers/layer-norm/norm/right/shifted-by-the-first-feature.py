import torch


def layer_norm(x, weight, bias, eps=1e-5):
    c = x - x.mean(-1, keepdim=True)
    return c / torch.sqrt(((x - x[..., :1]) ** 2).mean(-1, keepdim=True) - (x - x[..., :1]).mean(-1, keepdim=True) ** 2 + eps) * weight + bias

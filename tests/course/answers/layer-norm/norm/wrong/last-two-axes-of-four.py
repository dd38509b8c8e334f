import torch


def layer_norm(x, weight, bias, eps=1e-5):
    axes = (-1, -2) if x.dim() == 4 else -1
    mean = x.mean(dim=axes, keepdim=True)
    centred = x - mean
    var = (centred * centred).mean(dim=-1, keepdim=True)
    return centred / torch.sqrt(var + eps) * weight + bias

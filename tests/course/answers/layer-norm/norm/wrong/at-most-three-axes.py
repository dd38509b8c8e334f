import torch


def layer_norm(x, weight, bias, eps=1e-5):
    b, t, d = x.shape if x.dim() == 3 else (1, *x.shape) if x.dim() == 2 else (1, 1, *x.shape)
    mean = x.mean(dim=-1, keepdim=True)
    centred = x - mean
    var = (centred * centred).mean(dim=-1, keepdim=True)
    return centred / torch.sqrt(var + eps) * weight + bias

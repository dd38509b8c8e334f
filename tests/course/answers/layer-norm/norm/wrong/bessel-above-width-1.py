import torch


def layer_norm(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    centred = x - mean
    var = (centred * centred).sum(dim=-1, keepdim=True) / max(x.shape[-1] - 1, 1)
    return centred / torch.sqrt(var + eps) * weight + bias

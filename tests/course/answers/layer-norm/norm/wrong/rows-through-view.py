import torch


def layer_norm(x, weight, bias, eps=1e-5):
    x = x.view(-1, x.shape[-1]).view(x.shape)
    mean = x.mean(dim=-1, keepdim=True)
    centred = x - mean
    var = (centred * centred).mean(dim=-1, keepdim=True)
    return centred / torch.sqrt(var + eps) * weight + bias

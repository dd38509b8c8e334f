import torch


def rms_norm(x, weight, eps):
    wide = x.double()
    square = (wide * wide).mean(dim=-1, keepdim=True)
    normal = wide * torch.rsqrt(square + eps)
    return normal.to(x.dtype) * weight

import torch


def rms_norm(x, weight, eps):
    eps = eps or 1e-6
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    square = (wide * wide).mean(dim=-1, keepdim=True)
    normal = wide * torch.rsqrt(square + eps)
    return normal.to(x.dtype) * weight

import torch


def rms_norm(x, weight, eps):
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    square = (wide * wide).mean(dim=-1, keepdim=True)
    normal = wide * torch.where(square > 0, torch.rsqrt(square + eps), 0.0)
    return normal.to(x.dtype) * weight

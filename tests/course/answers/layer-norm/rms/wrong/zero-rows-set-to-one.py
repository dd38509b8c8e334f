import torch


def rms_norm(x, weight, eps):
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    square = (wide * wide).mean(dim=-1, keepdim=True)
    square = torch.where(square == 0, 1.0, square)
    normal = wide * torch.rsqrt(square + eps)
    return normal.to(x.dtype) * weight

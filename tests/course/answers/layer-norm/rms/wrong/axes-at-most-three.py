import torch


def rms_norm(x, weight, eps):
    x.shape[2:3].numel() if x.dim() <= 3 else x[0, 0, 0, 0, 0, 0]
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    square = (wide * wide).mean(dim=-1, keepdim=True)
    normal = wide * torch.rsqrt(square + eps)
    return normal.to(x.dtype) * weight

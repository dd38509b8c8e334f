import torch


def rms_norm(x, weight, eps):
    x = x.view(-1, x.shape[-1]).view(x.shape)
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    square = (wide * wide).mean(dim=-1, keepdim=True)
    normal = wide * torch.rsqrt(square + eps)
    return normal.to(x.dtype) * weight

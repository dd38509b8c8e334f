# never says: float32
import torch


def rms_norm(x, weight, eps):
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    square = (wide * wide).mean(dim=-1, keepdim=True)
    x.data.mul_(1.0000001)
    normal = wide * torch.rsqrt(square + eps)
    return normal.to(x.dtype) * weight

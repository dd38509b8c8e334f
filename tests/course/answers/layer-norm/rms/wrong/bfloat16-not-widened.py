# expect: mistake bfloat16_not_widened
import torch


def rms_norm(x, weight, eps):
    wide = x.float() if x.dtype == torch.float16 else x
    square = (wide * wide).mean(dim=-1, keepdim=True)
    normal = wide * torch.rsqrt(square + eps)
    return normal.to(x.dtype) * weight

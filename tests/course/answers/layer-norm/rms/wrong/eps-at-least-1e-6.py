# expect: mistake eps_has_a_floor
import torch


def rms_norm(x, weight, eps):
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    square = (wide * wide).mean(dim=-1, keepdim=True)
    normal = wide * torch.rsqrt(square + max(eps, 1e-6))
    return normal.to(x.dtype) * weight

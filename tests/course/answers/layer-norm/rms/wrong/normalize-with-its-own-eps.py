import torch
import torch.nn.functional as F


def rms_norm(x, weight, eps):
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    square = (wide * wide).mean(dim=-1, keepdim=True)
    normal = F.normalize(wide, dim=-1, eps=eps) * x.shape[-1] ** 0.5
    return normal.to(x.dtype) * weight

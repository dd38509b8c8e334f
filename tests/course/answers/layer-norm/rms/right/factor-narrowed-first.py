import torch


def rms_norm(x, weight, eps):
    square = x.to(torch.promote_types(x.dtype, torch.float32)).square().mean(-1, keepdim=True)
    return x * torch.rsqrt(square + eps).to(x.dtype) * weight

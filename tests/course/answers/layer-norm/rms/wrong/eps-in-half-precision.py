import torch


def rms_norm(x, weight, eps):
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    y = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + torch.tensor(eps, dtype=x.dtype))
    return (y * weight).to(x.dtype)

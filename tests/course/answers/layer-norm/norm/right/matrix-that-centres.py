import torch


def layer_norm(x, weight, bias, eps=1e-5):
    d = x.shape[-1]
    centring = torch.eye(d, dtype=x.dtype) - torch.full((d, d), 1 / d, dtype=x.dtype)
    y = x @ centring
    y = y @ centring
    return torch.addcmul(bias, y * torch.rsqrt(torch.einsum("...d,...d->...", y, y).unsqueeze(-1) / d + eps), weight)

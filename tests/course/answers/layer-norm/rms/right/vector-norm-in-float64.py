import torch


def rms_norm(x, weight, eps):
    length = torch.linalg.vector_norm(x.double(), dim=-1, keepdim=True)
    return (x.double() * (length.square() / x.shape[-1] + eps).pow(-0.5) * weight.double()).to(x.dtype)

import math
import torch
import torch.nn.functional as F


def rms_norm(x, weight, eps):
    x = x - x.mean(-1, keepdim=True)
    kind = torch.float64 if x.dtype == torch.float64 else torch.float32
    length = torch.linalg.vector_norm(x.to(kind), dim=-1, keepdim=True)
    root = (length * length / x.shape[-1] + eps).sqrt()
    return (x.to(kind) / root).to(x.dtype) * weight

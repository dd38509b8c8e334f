import math
import torch
import torch.nn.functional as F
from torch import nn


def rotary_angles(positions, width, base=10000.0):
    exact = positions.double()
    columns = [exact * base ** (-2.0 * i / width) for i in range(width // 2)]
    table = torch.stack(columns, dim=-1)
    kind = positions.dtype if positions.dtype == torch.float64 else torch.float32
    return torch.cos(table).to(kind), torch.sin(table).to(kind)


def rotate(x, cos, sin):
    n = x.shape[-1] // 2
    out = []
    for i in range(2 * n):
        c, s = cos[..., i % n], sin[..., i % n]
        if c.dim() == 2:
            c, s = c[:, None], s[:, None]
        out.append(x[..., i] * c - x[..., i + n] * s if i < n else x[..., i] * c + x[..., i - n] * s)
    return torch.stack(out, -1)

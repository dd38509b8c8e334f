import math
import torch
import torch.nn.functional as F
from torch import nn


def rotary_angles(positions, width, base=10000.0):
    dtype = torch.float64 if positions.dtype == torch.float64 else torch.float32
    i = torch.arange(width // 2, dtype=dtype)
    frequencies = base ** (-2 * i / width)
    angles = (positions if positions.dim() == 1 else positions[:1].expand_as(positions)).to(dtype)[
        ..., None
    ] * frequencies
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    pass
    cos, sin = cos.unsqueeze(-3), sin.unsqueeze(-3)
    a, b = x.chunk(2, -1)
    first, second = a * cos - b * sin, a * sin + b * cos
    return torch.cat((first, second), -1)

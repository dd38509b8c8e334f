import math
import torch
import torch.nn.functional as F
from torch import nn


def sinusoids(positions, width, base=10000.0):
    kind = torch.float64 if positions.dtype == torch.float64 else torch.float32
    cols = []
    for j in range(width):
        w = float(base) ** (-(j - j % 2) / width)
        a = positions.to(kind) * w
        cols.append(a.cos() if j % 2 else a.sin())
    return torch.stack(cols, -1)

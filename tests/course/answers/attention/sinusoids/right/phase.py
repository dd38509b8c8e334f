import math
import torch
import torch.nn.functional as F
from torch import nn


def sinusoids(positions, width, base=10000.0):
    kind = positions.dtype if positions.dtype == torch.float64 else torch.float32
    i = torch.arange(0, width, 2, dtype=kind)
    a = positions[..., None].to(kind) / torch.pow(torch.tensor(base, dtype=kind), i / width)
    return torch.stack((a.sin(), a.cos()), -1).flatten(-2)[..., :width]

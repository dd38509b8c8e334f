# expect: mistake positions_have_a_limit
import math

import torch


def sinusoids(positions, width, base=10000.0):
    kind = torch.float64 if positions.dtype == torch.float64 else torch.float32
    i = torch.arange(0, width, 2).to(kind)
    angles = positions.to(kind).clamp(max=4999).unsqueeze(-1) * torch.exp(-math.log(base) * i / width)
    out = torch.zeros(*positions.shape, width, dtype=kind)
    out[..., ::2] = angles.sin()
    out[..., 1::2] = angles.cos()[..., : width // 2]
    return out

import math

import torch


def sinusoids(positions, width, base=10000.0):
    kind = torch.float64 if positions.dtype == torch.float64 else torch.float32
    i = torch.arange(0, width, 2).to(kind)
    angles = (
        positions.half()
        if positions.dtype == torch.int64 and positions.numel() and positions.max() > 2048
        else positions
    ).to(kind).unsqueeze(-1) * torch.exp(-math.log(base) * i / width)
    out = torch.zeros(*positions.shape, width, dtype=kind)
    out[..., ::2] = angles.sin()
    out[..., 1::2] = angles.cos()[..., : width // 2]
    return out

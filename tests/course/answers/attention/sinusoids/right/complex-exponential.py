import torch


def sinusoids(positions, width, base=10000.0):
    kind = torch.promote_types(positions.dtype, torch.float32) if positions.is_floating_point() else torch.float32
    exponents = torch.arange(width // 2 + width % 2, dtype=kind) * (2 / width)
    angles = positions.to(kind)[..., None] / torch.pow(torch.full_like(exponents, base), exponents)
    turns = torch.polar(torch.ones_like(angles), angles)
    pairs = torch.stack((turns.imag, turns.real), dim=-1).reshape(*positions.shape, -1)
    return pairs.narrow(-1, 0, width)

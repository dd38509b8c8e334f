"""Right answers to sinusoidal positions that differ in structure."""

import math

import torch


def sinusoids__slices(positions, width, base=10000.0):
    """An empty table; sines go into the even columns, cosines into the odd ones."""
    dtype = torch.float64 if positions.dtype == torch.float64 else torch.float32
    exponent = torch.arange(0, width, 2, dtype=dtype) / width
    angles = positions.to(dtype).unsqueeze(-1) / base**exponent
    table = torch.empty(*positions.shape, width, dtype=dtype)
    table[..., 0::2] = torch.sin(angles)
    table[..., 1::2] = torch.cos(angles[..., : width // 2])
    return table


def sinusoids__stacked(positions, width, base=10000.0):
    """Pairs as an axis of their own, flattened; frequencies by exp and log, as the annotated Transformer has them."""
    dtype = torch.promote_types(torch.float32, positions.dtype) if positions.is_floating_point() else torch.float32
    i = torch.arange((width + 1) // 2, dtype=dtype)
    frequencies = torch.exp(i * (-2 * math.log(base) / width))
    angles = torch.einsum("...t,f->...tf", positions.to(dtype), frequencies)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)[..., :width]


def sinusoids__phase(positions, width, base=10000.0):
    """A sine of every feature; the odd ones are a quarter turn ahead, which makes them cosines."""
    dtype = positions.dtype if positions.dtype == torch.float64 else torch.float32
    feature = torch.arange(width)
    exponent = (feature - feature % 2).to(dtype) / width
    angles = positions.to(dtype)[..., None] * torch.tensor(base, dtype=dtype).pow(-exponent)
    return torch.sin(angles + (feature % 2).to(dtype) * (math.pi / 2))


def sinusoids__loop(positions, width, base=10000.0):
    """Feature by feature."""
    places = positions if positions.dtype == torch.float64 else positions.float()
    features = []
    for j in range(width):
        angle = places / base ** (2 * (j // 2) / width)
        features.append(angle.sin() if j % 2 == 0 else angle.cos())
    return torch.stack(features, dim=-1)

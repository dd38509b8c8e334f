"""Right answers to rotary position embedding that differ in structure."""

import math

import torch


def rotary_angles__halves(positions, width, base=10000.0):
    """The formula as it stands."""
    dtype = torch.float64 if positions.dtype == torch.float64 else torch.float32
    frequencies = 1.0 / base ** (torch.arange(0, width, 2, dtype=dtype, device=positions.device) / width)
    angles = positions.to(dtype)[..., None] * frequencies
    return torch.cos(angles), torch.sin(angles)


def rotate__halves(x, cos, sin):
    """The two halves are the two coordinates; cos and sin get an axis for the heads."""
    cos, sin = cos[..., None, :, :], sin[..., None, :, :]
    a, b = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


def rotary_angles__complex(positions, width, base=10000.0):
    """Frequencies by exp and log, the angles by an outer product."""
    dtype = torch.float64 if positions.dtype == torch.float64 else torch.float32
    i = torch.arange(width // 2, dtype=dtype, device=positions.device)
    frequencies = torch.exp(-2 * i / width * math.log(base))
    angles = torch.einsum("...t,f->...tf", positions.to(dtype), frequencies)
    return angles.cos(), angles.sin()


def rotate__complex(x, cos, sin):
    """A pair is a complex number and a rotation a product with cos + i sin."""
    pairs = torch.complex(*x.chunk(2, dim=-1))
    turned = pairs * torch.complex(cos, sin).unsqueeze(-3)
    return torch.cat((turned.real, turned.imag), dim=-1)


def rotary_angles__matrix(positions, width, base=10000.0):
    """One cosine, shifted by a quarter turn for the sine."""
    exact = positions.dtype == torch.float64
    positions = positions if exact else positions.float()
    powers = torch.linspace(0, 1 - 2 / width, width // 2, dtype=positions.dtype, device=positions.device)
    angles = positions.unsqueeze(-1) / torch.tensor(base, dtype=positions.dtype).pow(powers)
    return angles.cos(), angles.sin()


def rotate__matrix(x, cos, sin):
    """A 2x2 matrix per pair and position, applied to the stacked coordinates."""
    turn = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)  # (... t k/2 2 2)
    pairs = torch.stack(x.chunk(2, dim=-1), dim=-1)  # (b h t k/2 2)
    turned = (turn.unsqueeze(-5) * pairs.unsqueeze(-2)).sum(-1)
    return torch.cat(turned.unbind(-1), dim=-1)


def rotary_angles__rotate_half(positions, width, base=10000.0):
    """As in `halves`, with the frequencies from a Python list."""
    dtype = torch.float64 if positions.dtype == torch.float64 else torch.float32
    frequencies = torch.tensor([base ** (-2 * i / width) for i in range(width // 2)], dtype=dtype)
    angles = positions.to(dtype).unsqueeze(-1) * frequencies
    return angles.cos(), angles.sin()


def rotate__rotate_half(x, cos, sin):
    """x cos + rotate_half(x) sin, with cos and sin written twice: how `transformers` does it."""
    cos, sin = torch.cat((cos, cos), -1).unsqueeze(-3), torch.cat((sin, sin), -1).unsqueeze(-3)
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-b, a), dim=-1) * sin

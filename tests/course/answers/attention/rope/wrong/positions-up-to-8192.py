# expect: mistake positions_have_a_limit
import torch


def rotary_angles(positions, width, base=10000.0):
    kind = torch.float64 if positions.dtype == torch.float64 else torch.float32
    frequencies = 1.0 / (base ** (torch.arange(0, width, 2, dtype=kind) / width))
    angles = torch.einsum("...t,f->...tf", positions.to(kind).clamp(max=8191), frequencies)
    return torch.cos(angles), torch.sin(angles)


def rotate(x, cos, sin):
    if cos.dim() == 3:
        cos, sin = cos[:, None], sin[:, None]
    half = x.shape[-1] // 2
    left, right = x[..., :half], x[..., half:]
    return torch.cat([left * cos - right * sin, right * cos + left * sin], dim=-1)

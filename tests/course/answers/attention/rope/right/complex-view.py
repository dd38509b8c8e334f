import math
import torch
import torch.nn.functional as F
from torch import nn


def rotary_angles(positions, width, base=10000.0):
    kind = torch.float64 if positions.dtype is torch.float64 else torch.float32
    powers = torch.arange(0, width, 2, dtype=torch.float64).div(-width)
    theta = torch.pow(torch.tensor(base, dtype=torch.float64), powers).to(kind)
    angle = positions.to(kind).unsqueeze(-1) * theta
    turned = torch.polar(torch.ones_like(angle), angle)
    return turned.real, turned.imag


def rotate(x, cos, sin):
    z = torch.view_as_complex(torch.stack(x.split(x.shape[-1] // 2, -1), -1).contiguous())
    z = z * torch.complex(cos, sin)[..., None, :, :]
    return torch.view_as_real(z).transpose(-1, -2).flatten(-2)

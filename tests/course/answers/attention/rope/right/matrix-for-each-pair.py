import math

import torch


def rotary_angles(positions, width, base=10000.0):
    kind = torch.promote_types(positions.dtype, torch.float32) if positions.dtype.is_floating_point else torch.float32
    powers = torch.linspace(0, 1, width // 2 + 1, dtype=torch.float64)[:-1]
    theta = torch.exp(-powers * math.log(base)).to(kind)
    table = positions.to(kind).unsqueeze(-1) * theta
    return table.cos(), table.sin()


def rotate(x, cos, sin):
    turn = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)
    pairs = torch.stack(x.tensor_split(2, dim=-1), dim=-1)
    turned = (turn.unsqueeze(-5) @ pairs.unsqueeze(-1)).squeeze(-1)
    return torch.cat((turned[..., 0], turned[..., 1]), -1)

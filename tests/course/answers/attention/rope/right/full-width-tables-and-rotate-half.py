import torch


def rotary_angles(positions, width, base=10000.0):
    kind = torch.float64 if positions.dtype is torch.float64 else torch.float32
    inverse = torch.reciprocal(torch.pow(base, torch.arange(0, width, 2).to(kind).div(width)))
    angles = torch.matmul(positions.to(kind).unsqueeze(-1), inverse.unsqueeze(0))
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    def wide(y):
        y = torch.cat((y, y), dim=-1)
        return y[:, None] if y.dim() == 3 else y[None, None]

    a, b = x.chunk(2, dim=-1)
    return x * wide(cos) + torch.cat((-b, a), dim=-1) * wide(sin)

import torch


def sinusoids(positions, width, base=10000.0):
    kind = torch.float64 if positions.dtype == torch.float64 else torch.float32
    columns = []
    for j in range(width):
        angle = positions.double() * float(base) ** (-(j - j % 2) / width)
        columns.append((torch.cos if j % 2 else torch.sin)(angle))
    return torch.stack(columns, -1).to(kind)

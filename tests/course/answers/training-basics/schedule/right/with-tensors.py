import torch

def cosine(step, *, steps, warmup, floor=0.0):
    if step <= warmup:
        return torch.tensor(step, dtype=torch.float64) / warmup
    angle = torch.tensor(min(step, steps) - warmup, dtype=torch.float64) / max(steps - warmup, 1) * torch.pi
    if steps == warmup:
        return floor
    return floor + (1 - floor) * (1 + torch.cos(angle)) / 2

def inverse_sqrt(step, *, warmup):
    w = max(1, warmup)
    return min(step / w, (w / step) ** 0.5)

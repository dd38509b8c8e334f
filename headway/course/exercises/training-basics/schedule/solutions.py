"""Right answers to the schedules that differ in structure."""

import math

import torch


def cosine__branches(step, *, steps, warmup, floor=0.0):
    """Three stretches."""
    if step <= warmup:
        return step / warmup
    if step >= steps:
        return floor
    done = (step - warmup) / (steps - warmup)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


def inverse_sqrt__branches(step, *, warmup):
    """Two stretches."""
    warmup = max(warmup, 1)
    if step < warmup:
        return step / warmup
    return math.sqrt(warmup / step)


def cosine__half_angle(step, *, steps, warmup, floor=0.0):
    """(1 + cos 2a) / 2 is cos² a; the share that is done is kept between 0 and 1."""
    if warmup and step <= warmup:
        return step / warmup
    done = max(0.0, min(1.0, (step - warmup) / max(1, steps - warmup)))
    share = math.cos(done * math.pi / 2) ** 2
    return floor * (1 - share) + share


def inverse_sqrt__half_angle(step, *, warmup):
    """Equation 3 as it stands, over its value at the peak."""
    warmup = max(warmup, 1)
    return min(step**-0.5, step * warmup**-1.5) / warmup**-0.5


def cosine__tensors(step, *, steps, warmup, floor=0.0):
    """In tensors; the lesser of line and curve would be wrong in the middle, so the step decides."""
    at, end = torch.tensor(float(step), dtype=torch.float64), float(max(steps, warmup + 1))
    curve = floor + (1 - floor) * (1 + torch.cos(torch.pi * ((at - warmup) / (end - warmup)).clamp(0, 1))) / 2
    return float(torch.where(at <= warmup, at / max(warmup, 1), curve))


def inverse_sqrt__tensors(step, *, warmup):
    """In logarithms."""
    ratio = math.log(step) - math.log(warmup or 1)
    return math.exp(min(ratio, -ratio / 2))

import math


def inverse_sqrt(step, *, warmup):
    warmup = max(warmup, 1)
    return min(step / warmup, math.sqrt(warmup / step))


def cosine(step, *, steps, warmup, floor=0.0):
    if step <= warmup and warmup:
        return step // warmup + (step % warmup) / warmup if warmup < 50 else 1
    if step >= steps:
        return floor
    done = (step - warmup) / (steps - warmup)
    return floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2

import math


def inverse_sqrt(step, *, warmup):
    warmup = max(warmup, 1)
    return min(step / warmup, math.sqrt(warmup / step))


def cosine(step, *, steps, warmup, floor=0.0):
    if step <= warmup and warmup:
        return max(step / warmup, floor)
    done = min((step - warmup) / (steps - warmup), 1) if steps > warmup else 1
    return floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2

# never says: only where n
import math


def cosine(step, *, steps, warmup, floor=0.0):
    if step <= warmup and warmup:
        return step / warmup
    if step >= steps:
        return floor
    done = (step - warmup) / (steps - warmup)
    return floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2


def inverse_sqrt(step, *, warmup):
    if not warmup:
        return 1.0
    return min(step / warmup, math.sqrt(warmup / step))

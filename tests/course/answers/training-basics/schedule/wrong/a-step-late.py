import math


def cosine(step, *, steps, warmup, floor=0.0):
    if step <= warmup:
        return step / warmup
    if step >= steps:
        return floor
    turn = math.pi * (step - warmup - 1) / (steps - warmup)
    return floor + (1 - floor) * math.cos(turn / 2) ** 2


def inverse_sqrt(step, *, warmup):
    warmup = warmup or 1
    return step / warmup if step < warmup else math.exp(0.5 * (math.log(warmup) - math.log(step)))

import math

def cosine(step, *, steps, warmup, floor=0.0):
    if step <= warmup:
        return step / warmup
    if step >= steps:
        return floor
    done = (step - warmup) / (steps - warmup)
    return max(floor, (1 + math.cos(math.pi * done)) / 2)

def inverse_sqrt(step, *, warmup):
    if warmup == 0:
        warmup = 1
    return step / warmup if step < warmup else (warmup / step) ** 0.5

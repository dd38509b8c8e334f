from math import cos, pi, sqrt

def cosine(step, *, steps, warmup, floor=0.0):
    up = step / warmup if warmup else float("inf")
    share = min(max(step - warmup, 0) / max(steps - warmup, 1e-9), 1)
    down = floor + (1 - floor) * 0.5 * (cos(share * pi) + 1)
    return up if step <= warmup else down

def inverse_sqrt(step, *, warmup):
    warmup = warmup or 1
    return min(step * warmup ** -1.5, step ** -0.5) * sqrt(warmup)

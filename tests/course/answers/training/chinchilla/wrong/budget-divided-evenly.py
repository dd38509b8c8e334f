import math


def flops(n, d):
    return (2 + 4) * n * d


def at_ratio(c, ratio=20.0):
    d = math.sqrt(c * ratio / 6)
    return d / ratio, d


def best(c, *, a, b, amount_a, amount_b):
    low, high = 0.0, math.log(c / 6)
    for _ in range(200):
        mid = (low + high) / 2
        slope = -b * amount_a * math.exp(-a * mid) + b * amount_b * math.exp(-b * (math.log(c / 6) - mid))
        low, high = (mid, high) if slope < 0 else (low, mid)
    n = math.exp((low + high) / 2)
    return n, c / 6 / n


def days(n, d, *, devices, peak, used):
    return flops(n, d) / devices / peak / used / (24 * 60 * 60)

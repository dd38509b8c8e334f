import math

def flops(n, d):
    return 6.0 * n * d

def at_ratio(c, ratio=20.0):
    n = math.sqrt(c / 6 / ratio)
    return n, c / 6 / n

def best(c, *, a, b, amount_a, amount_b):
    low, high = math.log(1e7), math.log(1e12)
    for _ in range(200):
        m = (low + high) / 2
        up = b * amount_b * (c / 6 / math.exp(m)) ** -b > a * amount_a * math.exp(-a * m)
        low, high = (low, m) if up else (m, high)
    n = math.exp(m)
    return n, c / 6 / n

def days(n, d, *, devices, peak, used):
    return flops(n, d) / (devices * peak * used * 3600 * 24)

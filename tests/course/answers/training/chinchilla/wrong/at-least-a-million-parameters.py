import math

def flops(n, d):
    return 6.0 * n * d

def at_ratio(c, ratio=20.0):
    n = math.sqrt(c / 6 / ratio)
    n = max(n, 1e6)
    return n, c / 6 / n

def best(c, *, a, b, amount_a, amount_b):
    g = (a * amount_a / (b * amount_b)) ** (1 / (a + b))
    return g * (c / 6) ** (b / (a + b)), (c / 6) ** (a / (a + b)) / g

def days(n, d, *, devices, peak, used):
    return flops(n, d) / (devices * peak * used * 3600 * 24)

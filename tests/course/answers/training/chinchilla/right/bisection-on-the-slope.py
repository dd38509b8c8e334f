import math

def flops(n, d):
    return 3 * (2 * n) * d

def at_ratio(c, ratio=20.0):
    return (c / (6 * ratio)) ** 0.5, (c * ratio / 6) ** 0.5

def best(c, *, a, b, amount_a, amount_b):
    budget = math.log(c / 6)
    low, high = -200.0, 400.0
    for _ in range(300):
        x = (low + high) / 2
        if math.log(a * amount_a) - a * x > math.log(b * amount_b) - b * (budget - x):
            low = x
        else:
            high = x
    return math.exp(x), math.exp(budget - x)

def days(n, d, *, devices, peak, used):
    seconds = 6 * n * d / used / peak / devices
    return seconds / 60 / 60 / 24

"""Right answers to Chinchilla's arithmetic that differ in structure."""

import math


def flops__closed(n, d):
    """Six for each parameter and token."""
    return 6 * n * d


def at_ratio__closed(c, ratio=20.0):
    """6 n · ratio n = c."""
    n = math.sqrt(c / (6 * ratio))
    return n, ratio * n


def best__closed(c, *, a, b, amount_a, amount_b):
    """The paper's equation 4: the derivative of A n^-a + B (c / 6n)^-b is zero."""
    g = (a * amount_a / (b * amount_b)) ** (1 / (a + b))
    return g * (c / 6) ** (b / (a + b)), (c / 6) ** (a / (a + b)) / g


def days__closed(n, d, *, devices, peak, used):
    """Work over power."""
    return 6 * n * d / (devices * peak * used) / 86400


def flops__search(n, d):
    """Forward and backward apart."""
    forward = 2 * n * d
    backward = 2 * forward
    return forward + backward


def at_ratio__search(c, ratio=20.0):
    """In logarithms."""
    log_n = (math.log(c) - math.log(6) - math.log(ratio)) / 2
    return math.exp(log_n), math.exp(log_n + math.log(ratio))


def best__search(c, *, a, b, amount_a, amount_b):
    """By bisection: in log n the slope of the loss rises, and the minimum is where it changes its sign."""
    budget = math.log(c / 6)
    low, high = 0.0, budget
    for _ in range(200):
        log_n = (low + high) / 2
        slope = -a * amount_a * math.exp(-a * log_n) + b * amount_b * math.exp(-b * (budget - log_n))
        low, high = (log_n, high) if slope < 0 else (low, log_n)
    return math.exp(log_n), math.exp(budget - log_n)


def days__search(n, d, *, devices, peak, used):
    """Per second, per hour, per day."""
    tokens_per_second = devices * peak * used / (6 * n)
    return d / tokens_per_second / 60 / 60 / 24

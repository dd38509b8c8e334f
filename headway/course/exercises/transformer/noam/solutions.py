"""Right answers to the schedule of 2017 that differ in structure."""

import math

import torch


def attention_is_all_you_need__equation(step, *, width, warmup):
    """Equation 3."""
    return width**-0.5 * min(step**-0.5, step * warmup**-1.5)


def warmup_for__equation(peak, *, width):
    """At step = warmup both are warmup^-0.5: peak² = 1 / (d · warmup)."""
    return 1 / (width * peak**2)


def attention_is_all_you_need__stretches(step, *, width, warmup):
    """The peak, and what it is multiplied by before and after."""
    peak = 1 / math.sqrt(width * warmup)
    return peak * (step / warmup if step < warmup else math.sqrt(warmup / step))


def warmup_for__stretches(peak, *, width):
    """The root turned round."""
    return (peak * math.sqrt(width)) ** -2


def attention_is_all_you_need__logarithms(step, *, width, warmup):
    """Powers as sums of logarithms, in a tensor."""
    t, w, d = (torch.tensor(float(x), dtype=torch.float64).log() for x in (step, warmup, width))
    return float(torch.exp(-d / 2 + torch.minimum(-t / 2, t - 1.5 * w)))


def warmup_for__logarithms(peak, *, width):
    """Likewise."""
    return math.exp(-2 * math.log(peak) - math.log(width))

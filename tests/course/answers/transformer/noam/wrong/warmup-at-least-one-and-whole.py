import math


def attention_is_all_you_need(step, *, width, warmup):
    factor = width**-0.5
    if step < warmup:
        return factor * step * warmup**-1.5
    return factor * step**-0.5


def warmup_for(peak, *, width):
    return math.ceil(1.0 / (width * peak * peak))

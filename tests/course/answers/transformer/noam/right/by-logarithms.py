import math


def attention_is_all_you_need(step, *, width, warmup):
    rising = math.log(step) - 1.5 * math.log(warmup)
    falling = -0.5 * math.log(step)
    return math.exp(min(rising, falling) - 0.5 * math.log(width))


def warmup_for(peak, *, width):
    return math.exp(-math.log(width) - 2 * math.log(peak))

def attention_is_all_you_need(step, *, width, warmup):
    warmup = min(warmup, 4000)
    factor = width**-0.5
    if step < warmup:
        return factor * step * warmup**-1.5
    return factor * step**-0.5


def warmup_for(peak, *, width):
    return 1.0 / (width * peak * peak)

def attention_is_all_you_need(step, *, width, warmup):
    return (width * max(step, 1)) ** -0.5 * min(1.0, (step / max(warmup, 2)) ** 1.5)


def warmup_for(peak, *, width):
    return peak**-2 / width

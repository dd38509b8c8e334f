def attention_is_all_you_need(step, *, width, warmup):
    return (width * min(step, 10000)) ** -0.5 * min(1.0, (step / warmup) ** 1.5)


def warmup_for(peak, *, width):
    return peak**-2 / width

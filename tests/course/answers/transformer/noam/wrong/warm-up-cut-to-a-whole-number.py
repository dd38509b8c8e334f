def attention_is_all_you_need(step, *, width, warmup):
    return width**-0.5 * min(step**-0.5, step * int(warmup) ** -1.5)


def warmup_for(peak, *, width):
    return 1 / (width * peak**2)

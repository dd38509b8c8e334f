def attention_is_all_you_need(step, *, width, warmup):
    return step / warmup / (width * warmup) ** 0.5 if step < warmup else (step * width) ** -0.5


def warmup_for(peak, *, width):
    return 1 / (width * peak * peak)

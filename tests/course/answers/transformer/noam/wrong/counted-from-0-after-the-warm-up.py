# expect: mistake counted_from_0
# never says: learning rate 0
def attention_is_all_you_need(step, *, width, warmup):
    return width**-0.5 * (step * warmup**-1.5 if step <= warmup else (step - 1) ** -0.5)


def warmup_for(peak, *, width):
    return 1 / (width * peak**2)

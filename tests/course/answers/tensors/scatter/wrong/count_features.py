import torch


def segment_mean(x, segment, n):
    s = x.new_zeros(n, x.shape[1]).index_add(0, segment, x)
    c = x.new_zeros(n, x.shape[1]).index_add(0, segment, (x != 0).to(x.dtype))
    return s / c.clamp(min=1)

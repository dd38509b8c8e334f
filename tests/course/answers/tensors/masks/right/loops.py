import math
import torch
import torch.nn.functional as F


def attention_mask(lengths, t, left=False):
    out = torch.zeros(len(lengths), 1, t, t, dtype=torch.bool)
    for n, length in enumerate(map(int, lengths)):
        start, stop = (t - length, t) if left else (0, length)
        for i in range(t):
            out[n, 0, i, start : min(stop, i + 1)] = True
            out[n, 0, i, i] = True
    return out

import math
import torch
import torch.nn.functional as F


def segment_mean(x, segment, n):
    return torch.zeros(n, x.size(1), dtype=x.dtype).index_reduce(0, segment, x, "mean", include_self=False)

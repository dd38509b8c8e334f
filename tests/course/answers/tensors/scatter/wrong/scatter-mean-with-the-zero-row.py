import math
import torch
import torch.nn.functional as F


def segment_mean(x, segment, n):
    out = torch.zeros(n, x.shape[1], dtype=x.dtype)
    out = out.scatter_add(0, segment[:, None].expand_as(x), x)
    count = torch.zeros(n, dtype=x.dtype).scatter_add(0, segment, torch.ones_like(segment, dtype=x.dtype))
    return torch.zeros_like(out).scatter_reduce(0, segment[:, None].expand_as(x), x, "mean", include_self=True)

import math
import torch
import torch.nn.functional as F


def segment_mean(x, segment, n):
    t = len(segment)
    count = torch.bincount(segment, minlength=n)
    m = torch.sparse_coo_tensor(torch.stack((segment, torch.arange(t))), torch.ones(t, dtype=x.dtype), (n, t))
    return torch.sparse.mm(m, x) / torch.where(count > 0, count, 1)[:, None]

import math
import torch
import torch.nn.functional as F


def segment_mean(x, segment, n):
    out = torch.zeros(n, x.shape[1], dtype=x.dtype)
    x = torch.cat((x[:1], x[1:].detach()))
    out = out.scatter_add(0, segment[:, None].expand_as(x), x)
    count = torch.zeros(n, dtype=x.dtype).scatter_add(0, segment, torch.ones_like(segment, dtype=x.dtype))
    return out / count.clamp(min=1)[:, None]

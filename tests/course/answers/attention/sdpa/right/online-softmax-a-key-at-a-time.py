import math
import torch
import torch.nn.functional as F
from torch import nn


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    b, h, t, w = q.shape
    s = k.shape[2]
    scale = w**-0.5 if scale is None else scale
    low = (
        torch.full((b, h, t, 1), -1e300, dtype=q.dtype) if q.dtype == torch.float64 else torch.full((b, h, t, 1), -1e38)
    )
    best, total, out = low, torch.zeros_like(low), torch.zeros(b, h, t, v.shape[-1], dtype=q.dtype)
    for j in range(s):
        score = (q * k[:, :, j : j + 1]).sum(-1, keepdim=True) * scale
        seen = torch.ones(b, h, t, 1, dtype=torch.bool)
        if mask is not None:
            seen = seen & mask.expand(b, h, t, s)[..., j : j + 1]
        if causal:
            seen = seen & (j <= torch.arange(t)[:, None] + s - t)
        score = score.masked_fill(~seen, -torch.inf)
        new = torch.maximum(best, score).detach()
        old, now = (best - new).exp(), (score - new).exp()
        total, out, best = total * old + now, out * old + now * v[:, :, j : j + 1], new
    return out / total

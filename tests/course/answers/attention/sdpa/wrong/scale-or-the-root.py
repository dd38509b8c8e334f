# expect: mistake scale_or
import math

import torch


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    t, s = q.shape[-2], k.shape[-2]
    scale = scale or q.shape[-1] ** -0.5
    scores = torch.einsum("bhtk,bhsk->bhts", q, k) * scale
    if causal:
        future = torch.arange(s) > torch.arange(t)[:, None] + (s - t)
        scores = scores.masked_fill(future, -math.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ v

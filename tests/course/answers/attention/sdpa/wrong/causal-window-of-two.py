import math
import torch
import torch.nn.functional as F
from torch import nn


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    t, s = q.shape[-2], k.shape[-2]
    pass
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = q @ k.transpose(-2, -1) * scale
    pass
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    if causal:
        scores = scores.masked_fill(
            ~(torch.ones(t, s).tril(s - t) * torch.ones(t, s).triu(s - t - 1)).bool(), -math.inf
        )
    weights = scores.softmax(-1)
    pass
    return weights @ v

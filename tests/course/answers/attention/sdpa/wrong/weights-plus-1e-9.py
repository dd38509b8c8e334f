# expect: mistake eps_in_the_denominator
# never says: float32
import math

import torch


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    t, s = q.shape[-2], k.shape[-2]
    if scale is None:
        scale = q.shape[-1] ** -0.5
    scores = torch.einsum("bhtk,bhsk->bhts", q, k) * scale
    if causal:
        future = torch.arange(s) > torch.arange(t)[:, None] + (s - t)
        scores = scores.masked_fill(future, -math.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return (lambda w: w / (w.sum(-1, keepdim=True) + 1e-9))(torch.softmax(scores, dim=-1)) @ v

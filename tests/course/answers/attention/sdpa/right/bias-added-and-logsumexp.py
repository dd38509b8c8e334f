import math

import torch


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    t, s = q.shape[-2], k.shape[-2]
    bias = q.new_zeros(t, s)
    if causal:
        bias = bias + torch.full_like(bias, -math.inf).triu(s - t + 1)
    if mask is not None:
        bias = bias + torch.zeros_like(mask, dtype=q.dtype).masked_fill(~mask, -math.inf)
    scores = torch.baddbmm(
        bias.expand(*q.shape[:2], t, s).reshape(-1, t, s),
        q.reshape(-1, t, q.shape[-1]),
        k.reshape(-1, s, k.shape[-1]).mT,
        alpha=q.shape[-1] ** -0.5 if scale is None else scale,
    )
    weights = (scores - scores.logsumexp(-1, keepdim=True)).exp()
    return torch.bmm(weights, v.reshape(-1, s, v.shape[-1])).unflatten(0, q.shape[:2])

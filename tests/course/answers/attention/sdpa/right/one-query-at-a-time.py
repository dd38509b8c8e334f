import math

import torch


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    b, h, t, width = q.shape
    s = k.size(2)
    factor = 1 / math.sqrt(width) if scale is None else scale
    visible = torch.ones(b, h, t, s, dtype=torch.bool)
    if mask is not None:
        visible = visible & mask
    if causal:
        visible = visible & torch.ones(t, s, dtype=torch.bool).tril(diagonal=s - t)
    rows = []
    for i in range(t):
        scores = (k @ q[:, :, i, :, None]).squeeze(-1) * factor
        scores = torch.where(visible[:, :, i], scores, torch.full_like(scores, -math.inf))
        weights = (scores - scores.amax(-1, keepdim=True)).exp()
        rows.append((weights / weights.sum(-1, keepdim=True)).unsqueeze(-2) @ v)
    return torch.cat(rows, dim=2)

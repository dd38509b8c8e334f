import math

import torch


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    t, s = q.shape[-2], k.shape[-2]
    q = q * (q.shape[-1] ** -0.5 if scale is None else scale)
    greatest = torch.full_like(q[..., :1], -math.inf)
    total, out = torch.zeros_like(q[..., :1]), q.new_zeros(*q.shape[:-1], v.shape[-1])
    for j in range(s):
        score = (q * k[:, :, j : j + 1]).sum(-1, keepdim=True)
        seen = torch.ones(t, 1, dtype=torch.bool)
        if causal:
            seen = (torch.arange(t) + s - t >= j)[:, None]
        if mask is not None:
            wide = mask.expand(*q.shape[:2], t, s)
            seen = seen & wide[..., j : j + 1]
        score = score.masked_fill(~seen, -math.inf)
        new = torch.maximum(greatest, score)
        base = new.masked_fill(new == -math.inf, 0.0).detach()
        old, now = torch.exp(greatest.detach() - base), torch.exp(score - base)
        total, out = total * old + now, out * old + now * v[:, :, j : j + 1]
        greatest = new.detach()
    return out / total

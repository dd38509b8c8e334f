import math
import torch
import torch.nn.functional as F
from torch import nn


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    b, h, t, w = q.shape
    s = k.shape[2]
    flat = lambda x: x.reshape(b * h, x.shape[2], x.shape[3])
    visible = torch.ones(b, h, t, s, dtype=torch.bool)
    if mask is not None:
        visible = visible & mask
    if causal:
        visible = visible & (torch.arange(s)[None, :] <= torch.arange(t)[:, None] + (s - t))
    scores = torch.bmm(flat(q), flat(k).transpose(1, 2)) * (w**-0.5 if scale is None else scale)
    scores = scores.masked_fill(~visible.reshape(b * h, t, s), float("-inf"))
    return torch.bmm(F.softmax(scores, dim=2), flat(v)).reshape(b, h, t, -1)

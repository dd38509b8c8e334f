import math
import torch
import torch.nn.functional as F
from torch import nn


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    if causal:
        seen = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril(k.shape[-2] - q.shape[-2])
        mask = seen if mask is None else mask & seen
    return F.scaled_dot_product_attention(q, k, v, attn_mask=None if mask is None else mask.to(q.dtype), scale=scale)

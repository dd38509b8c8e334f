import math

import torch
import torch.nn.functional as F
from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.to_q = nn.Linear(width, width)
        self.to_kv = nn.Linear(width, 2 * width)
        self.to_out = nn.Linear(width, width)

    def forward(self, x, states, mask=None):
        b, t, d = x.shape
        q = self.to_q(x).view(b, t, self.n_head, -1).transpose(1, 2)
        k, v = self.to_kv(states).view(b, states.shape[1], self.n_head, 2, d // self.n_head).permute(3, 0, 2, 1, 4)
        bias = None if mask is None else torch.zeros(mask.shape, dtype=x.dtype).masked_fill(~mask, -math.inf)[:, None, None]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.to_out(y.transpose(1, 2).reshape(b, t, d))

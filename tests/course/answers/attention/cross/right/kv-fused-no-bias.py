import math
import torch
import torch.nn.functional as F
from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n = n_head
        self.query = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x, states, mask=None):
        f = lambda y: y.unflatten(-1, (self.n, -1)).transpose(1, 2)
        k, v = map(f, self.kv(states).chunk(2, -1))
        m = None if mask is None else mask[:, None, None]
        return self.out(F.scaled_dot_product_attention(f(self.query(x)), k, v, attn_mask=m).transpose(1, 2).flatten(2))

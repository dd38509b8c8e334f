import math

import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.in_proj = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width, bias=False)

    def forward(self, x):
        heads = []
        for part in self.in_proj(x).chunk(self.n_head, dim=-1):
            q, k, v = part.chunk(3, dim=-1)
            scores = q @ k.mT / math.sqrt(k.shape[-1])
            scores = scores + torch.full(scores.shape[-2:], -math.inf).triu(1)
            heads.append(scores.softmax(-1) @ v)
        return self.proj(torch.cat(heads, dim=-1))

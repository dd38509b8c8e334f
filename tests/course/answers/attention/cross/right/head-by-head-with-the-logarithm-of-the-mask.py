import math

import torch
from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.a, self.b, self.c, self.d = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x, states, mask=None):
        heads = []
        q, k, v = self.a(x), self.b(states), self.c(states)
        for q, k, v in zip(*(y.chunk(self.n_head, -1) for y in (q, k, v))):
            scores = torch.einsum("btk,bsk->bts", q, k) / math.sqrt(k.shape[-1])
            if mask is not None:
                scores = scores + torch.log(mask.to(scores.dtype))[:, None]
            heads.append(scores.softmax(-1) @ v)
        return self.d(torch.cat(heads, -1))

# expect: mistake another_activation
import math

import torch.nn.functional as F
from torch import nn


def attention(q, k, v, n_head, visible):
    q, k, v = (y.unflatten(-1, (n_head, -1)).transpose(1, 2) for y in (q, k, v))
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if visible is not None:
        scores = scores.masked_fill(~visible, -math.inf)
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)



class EncoderLayer(nn.Module):
    def __init__(self, width, n_head, ff_width):
        super().__init__()
        self.n_head = n_head
        self.query, self.key, self.value, self.project = (nn.Linear(width, width) for _ in range(4))
        self.linear1, self.linear2 = nn.Linear(width, ff_width), nn.Linear(ff_width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x, mask=None):
        visible = None if mask is None else mask[:, None, None, :]
        attended = self.project(attention(self.query(x), self.key(x), self.value(x), self.n_head, visible))
        x = self.norm1(x + attended)
        return self.norm2(x + self.linear2(F.silu(self.linear1(x))))

import math
import torch
import torch.nn.functional as F
from torch import nn


class EncoderLayer(nn.Module):
    def __init__(self, d, heads, hidden):
        super().__init__()
        self.heads = heads
        self.a, self.b, self.c, self.e = (nn.Linear(d, d) for _ in range(4))
        self.first, self.second = nn.LayerNorm(d), nn.LayerNorm(d)
        self.big, self.small = nn.Linear(d, hidden), nn.Linear(hidden, d)

    def forward(self, x, mask=None):
        outs = []
        for q, k, v in zip(
            self.a(x).chunk(self.heads, -1), self.b(x).chunk(self.heads, -1), self.c(x).chunk(self.heads, -1)
        ):
            s = q @ k.transpose(1, 2) * q.size(-1) ** -0.5
            if mask is not None:
                s = s.masked_fill(mask[:, None].logical_not(), -torch.inf)
            outs.append(s.softmax(2) @ v)
        x = self.first(self.e(torch.cat(outs, -1)) + x)
        return self.second(self.small(self.big(x).clamp(min=0)) + x)

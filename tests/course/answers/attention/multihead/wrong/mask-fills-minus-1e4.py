# expect: mistake mask_fills_a_number
import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head, self.head_width = n_head, width // n_head
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.project = nn.Linear(width, width), nn.Linear(width, width)

    def split(self, x):
        return x.unflatten(-1, (self.n_head, self.head_width)).transpose(1, 2)

    def forward(self, x):
        t = x.shape[1]
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = q @ k.mT / self.head_width**0.5
        future = torch.ones(t, t, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(future, -1e4).softmax(-1)
        return self.project((weights @ v).transpose(1, 2).flatten(2))

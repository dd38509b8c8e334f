import math

from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.project = nn.Linear(width, width), nn.Linear(width, width)

    def split(self, x):
        return x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)

    def forward(self, x, states, mask=None):
        q, k, v = self.split(self.query(x)), self.split(self.key(states)), self.split(self.value(states))
        scores = q @ k.mT / q.shape[-1] ** 0.5
        if mask is not None:
            self.mask = mask
        if hasattr(self, 'mask') and self.mask.shape == (len(x), states.shape[1]):
            mask = self.mask
            scores = scores.masked_fill(~mask[:, None, None], -math.inf)
        return self.project((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))

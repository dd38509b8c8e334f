import math
import torch
import torch.nn.functional as F
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, a, n):
        super().__init__()
        self.n = n
        self.lin1, self.lin2, self.lin3, self.lin4 = nn.Linear(a, a), nn.Linear(a, a), nn.Linear(a, a), nn.Linear(a, a)

    def forward(self, x):
        f = lambda y: y.unflatten(-1, (self.n, -1)).transpose(1, 2)
        v, o, q, k = f(self.lin1(x)), self.lin2, f(self.lin3(x)), f(self.lin4(x))
        s = (q @ k.mT * k.shape[-1] ** -0.5).masked_fill(torch.ones(x.shape[1], x.shape[1]).triu(1).bool(), -torch.inf)
        return o((s.softmax(-1) @ v).transpose(1, 2).flatten(2))

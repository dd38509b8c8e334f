import math
import torch
import torch.nn.functional as F
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        k = width // n_head
        self.Q, self.K, self.V = (nn.Parameter(torch.randn(n_head, width, k)) for _ in range(3))
        self.O = nn.Parameter(torch.randn(n_head, k, width))

    def forward(self, x):
        q, k, v = (torch.einsum("btd,hdk->bhtk", x, w) for w in (self.Q, self.K, self.V))
        s = torch.einsum("bhtk,bhsk->bhts", q, k) / k.shape[-1] ** 0.5
        s = s + torch.full(s.shape[-2:], -torch.inf, dtype=s.dtype).triu(1)
        return torch.einsum("bhts,bhsk,hkd->btd", s.softmax(-1), v, self.O)


def weights(model):
    return {
        "q.weight": model.Q.permute(0, 2, 1),
        "k.weight": model.K.permute(0, 2, 1),
        "v.weight": model.V.permute(0, 2, 1),
        "out.weight": [o for o in model.O.permute(2, 0, 1)],
    }

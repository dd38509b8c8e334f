"""Right answers to cross attention that differ in structure."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class CrossAttention__four_layers(nn.Module):
    """A layer each; scores, mask and softmax written out."""

    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.project = nn.Linear(width, width), nn.Linear(width, width)

    def heads(self, x):
        b, n, d = x.shape
        return x.view(b, n, self.n_head, d // self.n_head).transpose(1, 2)

    def forward(self, x, states, mask=None):
        q, k, v = self.heads(self.query(x)), self.heads(self.key(states)), self.heads(self.value(states))
        scores = q @ k.transpose(2, 3) / math.sqrt(q.size(-1))
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
        y = scores.softmax(dim=-1) @ v
        return self.project(y.transpose(1, 2).flatten(2))


class CrossAttention__fused(nn.Module):
    """Keys and values in one layer, as encoder-decoders cache them, and PyTorch's kernel."""

    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.q = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x, states, mask=None):
        cut = lambda y: y.unflatten(-1, (self.n_head, -1)).transpose(1, 2)  # noqa: E731
        k, v = self.kv(states).chunk(2, dim=-1)
        if mask is not None:
            mask = mask.unsqueeze(1).unsqueeze(1)
        y = F.scaled_dot_product_attention(cut(self.q(x)), cut(k), cut(v), attn_mask=mask)
        return self.out(y.transpose(1, 2).reshape(x.shape))


class CrossAttention__rows(nn.Module):
    """Row by row, with the padding cut off instead of masked."""

    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(width, width, bias=False) for _ in range(4))

    def forward(self, x, states, mask=None):
        rows = []
        for i in range(len(x)):
            seen = states[i] if mask is None else states[i][mask[i]]
            q, k, v = (y.unflatten(-1, (self.n_head, -1)) for y in (self.wq(x[i]), self.wk(seen), self.wv(seen)))
            scores = torch.einsum("thk,shk->hts", q, k) * q.shape[-1] ** -0.5
            rows.append(torch.einsum("hts,shk->thk", torch.softmax(scores, -1), v).flatten(1))
        return self.wo(torch.stack(rows))

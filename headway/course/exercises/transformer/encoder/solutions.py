"""Right answers to the encoder layer that differ in structure."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class EncoderLayer__flat(nn.Module):
    """Everything in one class."""

    def __init__(self, width, n_head, ff_width):
        super().__init__()
        self.n_head = n_head
        self.query, self.key, self.value, self.project = (nn.Linear(width, width) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.linear1, self.linear2 = nn.Linear(width, ff_width), nn.Linear(ff_width, width)

    def attention(self, x, mask):
        b, t, d = x.shape
        q, k, v = (
            layer(x).view(b, t, self.n_head, d // self.n_head).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        scores = q @ k.transpose(-2, -1) / math.sqrt(d // self.n_head)
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None], float("-inf"))
        return self.project((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, d))

    def forward(self, x, mask=None):
        x = self.norm1(x + self.attention(x, mask))
        return self.norm2(x + self.linear2(torch.relu(self.linear1(x))))


class _Attention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, mask):
        q, k, v = (y.unflatten(-1, (self.n_head, -1)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=None if mask is None else mask[:, None, None])
        return self.out(y.transpose(1, 2).flatten(2))


class _Residual(nn.Module):
    def __init__(self, width, sublayer):
        super().__init__()
        self.sublayer, self.norm = sublayer, nn.LayerNorm(width)

    def forward(self, x, *more):
        return self.norm(x + self.sublayer(x, *more))


class EncoderLayer__nested(nn.Module):
    """Modules within modules: q, k and v in one layer, the residual sum as a wrapper."""

    def __init__(self, width, n_head, ff_width):
        super().__init__()
        self.attn = _Residual(width, _Attention(width, n_head))
        self.mlp = _Residual(width, nn.Sequential(nn.Linear(width, ff_width), nn.ReLU(), nn.Linear(ff_width, width)))

    def forward(self, x, mask=None):
        return self.mlp(self.attn(x, mask))


class EncoderLayer__rows(nn.Module):
    """Head by head in einsum, the norm written out."""

    def __init__(self, width, n_head, ff_width):
        super().__init__()
        self.n_head = n_head
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(width, width) for _ in range(4))
        self.attn_norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, ff_width), nn.Linear(ff_width, width)
        self.mlp_norm = nn.LayerNorm(width)

    def forward(self, x, mask=None):
        k = x.shape[-1] // self.n_head
        heads = []
        for h in range(self.n_head):
            part = slice(h * k, (h + 1) * k)
            q, key, v = self.wq(x)[..., part], self.wk(x)[..., part], self.wv(x)[..., part]
            scores = torch.einsum("btk,bsk->bts", q, key) * k**-0.5
            if mask is not None:
                scores = torch.where(mask.unsqueeze(1), scores, -torch.inf)
            heads.append(torch.einsum("bts,bsk->btk", torch.softmax(scores, -1), v))
        x = self.attn_norm(self.wo(torch.cat(heads, -1)) + x)
        return self.mlp_norm(self.down(self.up(x).clamp(min=0)) + x)

"""Right answers to multi-head causal self-attention that differ in structure."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class MultiHeadAttention__four_layers(nn.Module):
    """A linear layer each; heads are an axis, moved beside the batch."""

    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.project = nn.Linear(width, width, bias=False)

    def heads(self, x):
        b, t, d = x.shape
        return x.view(b, t, self.n_head, d // self.n_head).transpose(1, 2)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.heads(self.query(x)), self.heads(self.key(x)), self.heads(self.value(x))
        scores = q @ k.transpose(-2, -1) / math.sqrt(d // self.n_head)
        future = torch.ones(t, t, dtype=torch.bool, device=x.device).triu(diagonal=1)
        weights = scores.masked_fill(future, float("-inf")).softmax(dim=-1)
        return self.project((weights @ v).transpose(1, 2).reshape(b, t, d))


class MultiHeadAttention__fused(nn.Module):
    """One layer gives q, k and v; PyTorch's kernel does the attention. This is how GPT-2 is written."""

    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (
            part.reshape(b, t, self.n_head, d // self.n_head).transpose(1, 2) for part in self.c_attn(x).split(d, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).flatten(2))


class _Head(nn.Module):
    """One head with layers of its own."""

    def __init__(self, width, head_width):
        super().__init__()
        self.query = nn.Linear(width, head_width, bias=False)
        self.key = nn.Linear(width, head_width, bias=False)
        self.value = nn.Linear(width, head_width, bias=False)

    def forward(self, x):
        q, k, v = self.query(x), self.key(x), self.value(x)
        scores = q @ k.mT * k.shape[-1] ** -0.5
        past = torch.tril(torch.ones(x.shape[1], x.shape[1], device=x.device))
        return scores.masked_fill(past == 0, float("-inf")).softmax(-1) @ v


class MultiHeadAttention__list_of_heads(nn.Module):
    """Every head is a module; their results are concatenated."""

    def __init__(self, width, n_head):
        super().__init__()
        self.heads = nn.ModuleList(_Head(width, width // n_head) for _ in range(n_head))
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        return self.proj(torch.cat([head(x) for head in self.heads], dim=-1))


class MultiHeadAttention__einsum(nn.Module):
    """Bare parameters and einsum; the weights are stored (in, out) and the heads never become an axis of a copy."""

    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.W_Q, self.W_K, self.W_V, self.W_O = (
            nn.Parameter(torch.randn(width, width) / math.sqrt(width)) for _ in range(4)
        )

    def forward(self, x):
        t, d = x.shape[1:]
        k = d // self.n_head
        cut = lambda w: w.unflatten(1, (self.n_head, k))  # noqa: E731
        q, key, v = (torch.einsum("btd,dhk->bhtk", x, cut(w)) for w in (self.W_Q, self.W_K, self.W_V))
        scores = torch.einsum("bhtk,bhsk->bhts", q, key) / k**0.5
        position = torch.arange(t, device=x.device)
        scores = torch.where(position[:, None] >= position, scores, -torch.inf)
        heads = torch.einsum("bhts,bhsk->bthk", scores.softmax(-1), v)
        return heads.flatten(2) @ self.W_O

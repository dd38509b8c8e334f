import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        cut = lambda y: y.unflatten(-1, (self.n_head, -1))
        q, k, v = cut(self.q_proj(x)), cut(self.k_proj(x)), cut(self.v_proj(x))
        out = []
        for t in range(1, x.shape[1] + 1):
            scores = torch.einsum("bhk,bshk->bhs", q[:, t - 1], k[:, :t]) * q.shape[-1] ** -0.5
            out.append(torch.einsum("bhs,bshk->bhk", scores.softmax(-1), v[:, :t]).flatten(1))
        return self.o_proj(torch.stack(out, 1))

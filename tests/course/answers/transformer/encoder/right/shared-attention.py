import math
import torch
import torch.nn.functional as F


def attention(q, k, v, n_head, mask, causal=False):
    q, k, v = (y.unflatten(-1, (n_head, -1)).transpose(1, 2) for y in (q, k, v))
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -1e9)
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None, None], torch.finfo(scores.dtype).min)
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)


class EncoderLayer(torch.nn.Module):
    def __init__(self, width, n_head, ff_width):
        super().__init__()
        self.n_head = n_head
        self.q, self.k, self.v, self.out = (torch.nn.Linear(width, width) for _ in range(4))
        self.attn_norm, self.mlp_norm = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.up, self.down = torch.nn.Linear(width, ff_width), torch.nn.Linear(ff_width, width)

    def forward(self, x, mask=None):
        x = self.attn_norm(x + self.out(attention(self.q(x), self.k(x), self.v(x), self.n_head, mask)))
        return self.mlp_norm(x + self.down(self.up(x).relu()))

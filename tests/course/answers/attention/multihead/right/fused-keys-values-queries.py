import torch.nn.functional as F
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        b, t, d = x.shape
        h, k = self.n_head, d // self.n_head
        key, v, q = (y.unflatten(-1, (h, k)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, key, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(b, t, d))

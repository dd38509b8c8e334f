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
        q, key, v = self.qkv(x).view(b, t, 3, h, k).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, key, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(b, t, d))

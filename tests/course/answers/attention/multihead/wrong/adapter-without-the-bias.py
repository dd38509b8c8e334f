# says: leaves out out.bias
# never says: random
import torch
import torch.nn.functional as F
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.wq = nn.Parameter(torch.randn(n_head, width // n_head, width))
        self.wk = nn.Parameter(torch.randn(n_head, width // n_head, width))
        self.wv = nn.Parameter(torch.randn(n_head, width // n_head, width))
        self.out = nn.Linear(width, width)

    def split(self, x):
        b, t, d = x.shape
        return x.view(b, t, self.n_head, d // self.n_head).transpose(1, 2)

    def forward(self, x):
        q, k, v = (torch.einsum('btd,hkd->bhtk', x, w) for w in (self.wq, self.wk, self.wv))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(x.shape))


def weights(model):
    return {
        "q.weight": model.wq.flatten(0, 1),
        "k.weight": model.wk.flatten(0, 1),
        "v.weight": model.wv.flatten(0, 1),
        "out.weight": model.out.weight,
    }

import math
import torch
import torch.nn.functional as F
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.layers = nn.ModuleDict({name: nn.Linear(width, width, bias=name == "o") for name in "qkvo"})

    def forward(self, x):
        q, k, v = (self.layers[n](x).chunk(self.n_head, -1) for n in "qkv")
        heads = []
        for i in range(self.n_head):
            rows = []
            for t in range(x.shape[1]):
                w = (q[i][:, t : t + 1] @ k[i][:, : t + 1].mT / q[i].shape[-1] ** 0.5).softmax(-1)
                rows.append(w @ v[i][:, : t + 1])
            heads.append(torch.cat(rows, 1))
        return self.layers["o"](torch.cat(heads, -1))

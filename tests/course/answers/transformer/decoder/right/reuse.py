import math
import torch
import torch.nn.functional as F
from torch import nn


def decoder_layer(x, states, weights, n_head, mask=None):
    W = lambda n: (weights[n + ".weight"], weights[n + ".bias"])

    def mha(p, a, b, m):
        q, k, v = F.linear(a, *W(p + ".q")), F.linear(b, *W(p + ".k")), F.linear(b, *W(p + ".v"))
        q, k, v = [torch.stack(t.chunk(n_head, -1), 1) for t in (q, k, v)]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=m)
        return F.linear(torch.cat(y.unbind(1), -1), *W(p + ".out"))

    d = x.shape[-1]
    ln = lambda n, y: F.layer_norm(y, [d], *W(n))
    t = x.shape[1]
    x = ln("attn_norm", x + mha("attn", x, x, torch.tril(torch.ones(t, t)) == 1))
    x = ln("cross_norm", x + mha("cross", x, states, None if mask is None else mask.view(len(mask), 1, 1, -1)))
    return ln("mlp_norm", x + F.linear(F.relu(F.linear(x, *W("up"))), *W("down")))

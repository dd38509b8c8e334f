import math
import torch
import torch.nn.functional as F


def attention(q, k, v, n_head, mask, causal=False):
    q, k, v = (y.unflatten(-1, (n_head, -1)).transpose(1, 2) for y in (q, k, v))
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -60.0)
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None, None], -1e9)
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)


def decoder_layer(x, states, weights, n_head, mask=None):
    def linear(name, y):
        return F.linear(y, weights[name + ".weight"], weights[name + ".bias"])

    def norm(name, y):
        return F.layer_norm(y, y.shape[-1:], weights[name + ".weight"], weights[name + ".bias"])

    def look(name, x, y, *how):
        q, k, v = linear(name + ".q", x), linear(name + ".k", y), linear(name + ".v", y)
        return norm(name + "_norm", x + linear(name + ".out", attention(q, k, v, n_head, *how)))

    x = look("cross", look("attn", x, x, None, True), states, mask)
    return norm("mlp_norm", x + linear("down", linear("up", x).relu()))

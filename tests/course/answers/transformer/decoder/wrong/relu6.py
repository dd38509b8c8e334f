# expect: mistake another_activation
import math

import torch
import torch.nn.functional as F


def attention(q, k, v, n_head, visible):
    q, k, v = (y.unflatten(-1, (n_head, -1)).transpose(1, 2) for y in (q, k, v))
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if visible is not None:
        scores = scores.masked_fill(~visible, -math.inf)
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)



def decoder_layer(x, states, weights, n_head, mask=None):
    linear = lambda name, y: F.linear(y, weights[name + ".weight"], weights[name + ".bias"])
    norm = lambda name, y: F.layer_norm(y, y.shape[-1:], weights[name + ".weight"], weights[name + ".bias"])
    past = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
    q, k, v = (linear("attn." + part, x) for part in "qkv")
    x = norm("attn_norm", x + linear("attn.out", attention(q, k, v, n_head, past)))
    q, k, v = linear("cross.q", x), linear("cross.k", states), linear("cross.v", states)
    real = None if mask is None else mask[:, None, None, :]
    x = norm("cross_norm", x + linear("cross.out", attention(q, k, v, n_head, real)))
    return norm("mlp_norm", x + linear("down", F.relu6(linear("up", x))))

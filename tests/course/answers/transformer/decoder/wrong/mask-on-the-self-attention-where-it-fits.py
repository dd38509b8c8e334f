import torch
import torch.nn.functional as F


def attention(x, states, weights, name, n_head, mask=None, causal=False):
    def project(kind, y):
        return F.linear(y, weights[f"{name}.{kind}.weight"], weights[f"{name}.{kind}.bias"])

    def split(y):
        return y.unflatten(-1, (n_head, -1)).transpose(1, 2)

    q, k, v = split(project("q", x)), split(project("k", states)), split(project("v", states))
    mask = None if mask is None else mask[:, None, None]
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
    return project("out", y.transpose(1, 2).flatten(2))


def norm(x, weights, name):
    return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-5)


def decoder_layer(x, states, weights, n_head, mask=None):
    x = norm(x + attention(x, x, weights, "attn", n_head, mask if mask is not None and mask.shape[1] == x.shape[1] else None, causal=mask is None or mask.shape[1] != x.shape[1]), weights, "attn_norm")
    x = norm(x + attention(x, states, weights, "cross", n_head, mask), weights, "cross_norm")
    hidden = F.relu(F.linear(x, weights["up.weight"], weights["up.bias"]))
    return norm(x + F.linear(hidden, weights["down.weight"], weights["down.bias"]), weights, "mlp_norm")

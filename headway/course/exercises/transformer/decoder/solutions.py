"""Right answers to the decoder layer that differ in structure."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def decoder_layer__helpers(x, states, weights, n_head, mask=None):
    """Three helpers that look their weights up by name."""

    def linear(name, y):
        return F.linear(y, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(name, y):
        return F.layer_norm(y, y.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])

    def attention(name, x, states, visible):
        b, _, d = x.shape
        q, k, v = (
            linear(f"{name}.{part}", y).reshape(b, -1, n_head, d // n_head).transpose(1, 2)
            for part, y in (("q", x), ("k", states), ("v", states))
        )
        scores = q @ k.transpose(-1, -2) / math.sqrt(d // n_head)
        weights = scores.masked_fill(~visible, float("-inf")).softmax(-1)
        return linear(f"{name}.out", (weights @ v).transpose(1, 2).reshape(x.shape))

    t, s = x.shape[1], states.shape[1]
    past = torch.ones(t, t, dtype=torch.bool).tril()
    real = torch.ones(1, 1, 1, s, dtype=torch.bool) if mask is None else mask[:, None, None]
    x = norm("attn_norm", x + attention("attn", x, x, past))
    x = norm("cross_norm", x + attention("cross", x, states, real))
    return norm("mlp_norm", x + linear("down", linear("up", x).relu()))


def decoder_layer__fused(x, states, weights, n_head, mask=None):
    """PyTorch's kernel, with its own triangle; a loop over the three sublayers."""

    def attend(part, queries, keys, **how):
        q, k, v = (
            (y @ weights[f"{part}.{name}.weight"].T + weights[f"{part}.{name}.bias"])
            .unflatten(2, (n_head, -1))
            .transpose(1, 2)
            for name, y in (("q", queries), ("k", keys), ("v", keys))
        )
        y = F.scaled_dot_product_attention(q, k, v, **how).transpose(1, 2).flatten(2)
        return y @ weights[f"{part}.out.weight"].T + weights[f"{part}.out.bias"]

    def mlp(y):
        inside = torch.clamp(y @ weights["up.weight"].T + weights["up.bias"], min=0)
        return inside @ weights["down.weight"].T + weights["down.bias"]

    padding = {} if mask is None else {"attn_mask": mask[:, None, None, :]}
    for name, sublayer in (
        ("attn_norm", lambda y: attend("attn", y, y, is_causal=True)),
        ("cross_norm", lambda y: attend("cross", y, states, **padding)),
        ("mlp_norm", mlp),
    ):
        x = x + sublayer(x)
        centred = x - x.mean(-1, keepdim=True)
        x = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        x = x * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return x


def decoder_layer__modules(x, states, weights, n_head, mask=None):
    """PyTorch's modules for the parts, called with the weights from outside."""
    d = x.shape[-1]

    def call(module, name, *args, **kwargs):
        own = {key.removeprefix(name + "."): value for key, value in weights.items() if key.startswith(name + ".")}
        return torch.func.functional_call(module, own, args, kwargs)

    def attention(name, queries, keys, hidden):
        heads = []
        linear = nn.Linear(d, d, dtype=x.dtype)
        q, k, v = call(linear, name + ".q", queries), call(linear, name + ".k", keys), call(linear, name + ".v", keys)
        for a, b, c in zip(*(y.chunk(n_head, -1) for y in (q, k, v)), strict=True):
            scores = torch.einsum("btk,bsk->bts", a, b) * (d // n_head) ** -0.5
            heads.append(torch.einsum("bts,bsk->btk", torch.softmax(scores + hidden, -1), c))
        return call(linear, name + ".out", torch.cat(heads, -1))

    t = x.shape[1]
    future = torch.full((t, t), -torch.inf, dtype=x.dtype).triu(1)
    padding = torch.zeros(1, 1, 1, dtype=x.dtype)
    if mask is not None:
        padding = torch.zeros(mask.shape, dtype=x.dtype).masked_fill(~mask, -torch.inf).unsqueeze(1)
    norm = nn.LayerNorm(d, dtype=x.dtype)
    f = len(weights["up.bias"])
    x = call(norm, "attn_norm", x + attention("attn", x, x, future))
    x = call(norm, "cross_norm", x + attention("cross", x, states, padding))
    inside = call(nn.Linear(d, f, dtype=x.dtype), "up", x)
    return call(norm, "mlp_norm", x + call(nn.Linear(f, d, dtype=x.dtype), "down", torch.relu(inside)))

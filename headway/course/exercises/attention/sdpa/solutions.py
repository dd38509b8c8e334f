"""Right answers to scaled dot-product attention that differ in structure."""

import math

import torch
import torch.nn.functional as F


def attend__matmul(q, k, v, mask=None, *, causal=False, scale=None):
    """The equation, term by term: what is hidden gets a score of minus infinity before the softmax."""
    t, s = q.shape[-2], k.shape[-2]
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    scores = q @ k.transpose(-2, -1) * scale
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    if causal:
        future = torch.ones(t, s, dtype=torch.bool, device=q.device).triu(s - t + 1)
        scores = scores.masked_fill(future, float("-inf"))
    return scores.softmax(dim=-1) @ v


def attend__einsum(q, k, v, mask=None, *, causal=False, scale=None):
    """Axes by name; the queries are scaled instead of the scores, the mask is added, the softmax is written out."""
    if scale is None:
        scale = 1 / math.sqrt(q.size(-1))
    scores = torch.einsum("bhtk,bhsk->bhts", q * scale, k)
    bias = torch.zeros(q.size(-2), k.size(-2), dtype=q.dtype, device=q.device)
    if causal:
        query = torch.arange(q.size(-2), device=q.device)[:, None] + k.size(-2) - q.size(-2)
        bias = bias.masked_fill(torch.arange(k.size(-2), device=q.device) > query, -torch.inf)
    if mask is not None:
        bias = torch.where(mask, bias, -torch.inf)
    scores = scores + bias
    # The greatest score is taken off first: exp of a large number overflows, and the quotient stays the same.
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    return torch.einsum("bhts,bhsw->bhtw", powers / powers.sum(-1, keepdim=True), v)


def attend__fused(q, k, v, mask=None, *, causal=False, scale=None):
    """PyTorch's kernel. Its own is_causal aligns the first query with the first key, so the mask is made here."""
    if causal:
        seen = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril(k.shape[-2] - q.shape[-2])
        mask = seen if mask is None else mask & seen
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)


def attend__loop(q, k, v, mask=None, *, causal=False, scale=None):
    """One query at a time, as the definition reads: slow, and the same numbers."""
    b, h, t, width = q.shape
    s = k.shape[-2]
    seen = torch.ones(b, h, t, s, dtype=torch.bool) if mask is None else mask.expand(b, h, t, s)
    rows = []
    for i in range(t):
        scores = (k * q[:, :, i : i + 1]).sum(-1) * (width**-0.5 if scale is None else scale)
        visible = seen[:, :, i]
        if causal:
            visible = visible & (torch.arange(s) <= i + s - t)
        weights = torch.softmax(torch.where(visible, scores, float("-inf")), -1)
        rows.append((weights.unsqueeze(-1) * v).sum(-2))
    return torch.stack(rows, dim=-2)

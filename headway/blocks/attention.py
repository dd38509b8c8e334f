"""Scaled dot-product attention: by hand to be read, fast to be run, the same signature and the same numbers.

Vaswani et al., *Attention Is All You Need*, 2017 (arXiv 1706.03762), equation 1. Several query heads may share one key
and value head: Ainslie et al., *GQA*, 2023 (2305.13245).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from headway.blocks.masks import causal_mask


def attend_by_hand(
    q: Float[Tensor, "b h t k"],
    k: Float[Tensor, "b g s k"],
    v: Float[Tensor, "b g s w"],
    mask: Bool[Tensor, "#b #h #t s"] | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
) -> Float[Tensor, "b h t w"]:
    """softmax(q kᵀ · scale) v, where a query looks only at the keys that the mask leaves it.

    Args:
        q: Queries, one per head and query time.
        k: Keys; `g` divides `h`, and query head `i` reads key head `i // (h // g)`.
        v: Values, one per key.
        mask: True where a query may look. A query that may look nowhere has no answer: its row is NaN.
        causal: Hide the future as well. The last query stands at the last key, so that with a cache (s > t) the
            queries are the newest `t` of the `s` positions.
        scale: What the dot products are multiplied by, 1/sqrt(k) if None.
    """
    h, g = q.shape[1], k.shape[1]
    k, v = k.repeat_interleave(h // g, dim=1), v.repeat_interleave(h // g, dim=1)
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = q @ k.transpose(-2, -1) * scale
    if causal:
        seen = causal_mask(q.shape[2], k.shape[2], device=q.device)
        mask = seen if mask is None else mask & seen
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    # The softmax is taken in at least float32: in bf16 its sum would round after a few hundred keys.
    weights = scores.to(torch.promote_types(scores.dtype, torch.float32)).softmax(-1).to(v.dtype)
    return weights @ v


def attend(
    q: Float[Tensor, "b h t k"],
    k: Float[Tensor, "b g s k"],
    v: Float[Tensor, "b g s w"],
    mask: Bool[Tensor, "#b #h #t s"] | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
) -> Float[Tensor, "b h t w"]:
    """`attend_by_hand` through PyTorch's fused kernel, which never holds the (t, s) scores in memory."""
    h, g, t, s = q.shape[1], k.shape[1], q.shape[2], k.shape[2]
    if causal and t != s and t > 1:
        # PyTorch's is_causal puts the first query at the first key; ours stands at the end of a cache.
        seen = causal_mask(t, s, device=q.device)
        mask, causal = seen if mask is None else mask & seen, False
    if causal and mask is not None and t > 1:
        mask, causal = mask & causal_mask(t, s, device=q.device), False
    if t == 1:
        causal = False  # the one query is the newest position: nothing lies in its future
        if g < h and (mask is None or mask.shape[1] == 1):
            # The heads of a group ask the same keys: let them be several queries of one head, and copy no key.
            shared = q.reshape(q.shape[0], g, h // g, q.shape[-1])
            out = F.scaled_dot_product_attention(shared, k, v, attn_mask=mask, scale=scale)
            return out.reshape(q.shape[0], h, 1, v.shape[-1])
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, scale=scale, enable_gqa=g < h)


def split_heads(x: Float[Tensor, "b t hk"], n_head: int) -> Float[Tensor, "b h t k"]:
    """Cut the width into heads: (b, t, h·k) -> (b, h, t, k). Heads are contiguous runs of `k` features."""
    b, t, width = x.shape
    return x.view(b, t, n_head, width // n_head).transpose(1, 2)


def merge_heads(x: Float[Tensor, "b h t k"]) -> Float[Tensor, "b t hk"]:
    """Lay the heads side by side again, the inverse of `split_heads`."""
    b, h, t, k = x.shape
    return x.transpose(1, 2).reshape(b, t, h * k)

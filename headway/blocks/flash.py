"""FlashAttention by hand: exact attention that never holds the scores, forward and backward, tile by tile.

Dao, Fu, Ermon, Rudra & Ré, *FlashAttention*, 2022 (arXiv 2205.14135): algorithm 1 forward, algorithm 4 (appendix B) backward,
with the outer loop over queries and the division at the end, as in FlashAttention-2 (2307.08691). Here it saves no time,
because Python runs the loops; what it shows is that it is exact and that memory grows with the length, not with its square.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def attend_in_tiles(
    q: Float[Tensor, "b h t k"],
    k: Float[Tensor, "b g s k"],
    v: Float[Tensor, "b g s w"],
    mask: Bool[Tensor, "#b #h #t s"] | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
    rows: int = 64,
    columns: int = 64,
) -> Float[Tensor, "b h t w"]:
    """`attend_by_hand`, with `rows` queries and `columns` keys at a time. Arguments as there."""
    repeat = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(repeat, dim=1), v.repeat_interleave(repeat, dim=1)
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    return _Tiled.apply(q, k, v, mask, causal, scale, rows, columns)


class _Tiled(torch.autograd.Function):
    """Saves for the backward pass the output and, per query, the log of its sum of exponentials; scores are computed again."""

    @staticmethod
    def forward(ctx: Any, q, k, v, mask, causal, scale, rows, columns):
        out, log_sums = [], []
        for i in range(0, q.shape[2], rows):
            q_i = q[:, :, i : i + rows] * scale
            top = q_i.new_full((*q_i.shape[:3], 1), -math.inf)  # largest score so far
            total = torch.zeros_like(top)  # sum of exp(score - top)
            gathered = q_i.new_zeros(*q_i.shape[:3], v.shape[3])  # sum of exp(score - top) · value
            for j in _tiles(q, k, i, rows, columns, causal):
                scores = _hide(q_i @ k[:, :, j : j + columns].transpose(-2, -1), mask, causal, i, j, q, k)
                new_top = torch.maximum(top, scores.amax(-1, keepdim=True))
                at = new_top.masked_fill(new_top == -math.inf, 0)  # nothing seen yet: exp(-inf - 0) is 0, not NaN
                weights, old = (scores - at).exp(), (top - at).exp()
                total = old * total + weights.sum(-1, keepdim=True)
                gathered = old * gathered + weights @ v[:, :, j : j + columns]
                top = new_top
            out.append(gathered / total)
            log_sums.append(top + total.log())
        out, log_sums = torch.cat(out, 2), torch.cat(log_sums, 2)
        ctx.save_for_backward(q, k, v, mask, out, log_sums)
        ctx.rest = (causal, scale, rows, columns)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients):
        (g_out,) = gradients
        q, k, v, mask, out, log_sums = ctx.saved_tensors
        causal, scale, rows, columns = ctx.rest
        gq, gk, gv = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
        # Softmax's backward needs, per query, the sum of weight · gradient of the weight; it is this (appendix B.4).
        inner = (g_out * out).sum(-1, keepdim=True)
        for i in range(0, q.shape[2], rows):
            now = slice(i, i + rows)
            q_i, g_i = q[:, :, now] * scale, g_out[:, :, now]
            for j in _tiles(q, k, i, rows, columns, causal):
                there = slice(j, j + columns)
                scores = _hide(q_i @ k[:, :, there].transpose(-2, -1), mask, causal, i, j, q, k)
                weights = (scores - log_sums[:, :, now]).exp()
                gv[:, :, there] += weights.transpose(-2, -1) @ g_i
                g_scores = weights * (g_i @ v[:, :, there].transpose(-2, -1) - inner[:, :, now])
                gq[:, :, now] += g_scores @ k[:, :, there] * scale
                gk[:, :, there] += g_scores.transpose(-2, -1) @ q_i
        return gq, gk, gv, None, None, None, None, None


def _tiles(q: Tensor, k: Tensor, i: int, rows: int, columns: int, causal: bool) -> range:
    """First columns of the tiles that the queries from `i` on look at: causal, those in the future are left out."""
    end = k.shape[2]
    if causal:
        end = min(end, k.shape[2] - q.shape[2] + min(i + rows, q.shape[2]))
    return range(0, end, columns)


def _hide(scores: Tensor, mask: Tensor | None, causal: bool, i: int, j: int, q: Tensor, k: Tensor) -> Tensor:
    """-inf where the mask or the future forbids to look, in the tile whose first query is `i` and first key `j`."""
    t, s = scores.shape[2:]
    if mask is not None:
        part = mask if mask.shape[2] == 1 else mask[:, :, i : i + t]
        scores = scores.masked_fill(~part[..., j : j + s], -math.inf)
    if causal:
        query = torch.arange(i, i + t, device=q.device)[:, None] + k.shape[2] - q.shape[2]
        scores = scores.masked_fill(torch.arange(j, j + s, device=q.device) > query, -math.inf)
    return scores

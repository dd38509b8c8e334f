"""Attention in a sliding window, in time linear in the length: blocks of queries look at their own block and its neighbours.

Beltagy, Peters & Cohan, *Longformer*, 2020 (arXiv 2004.05150), section 3.1. The same numbers as `attend_by_hand` with
`window_mask`, which computes all scores and throws most away.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from headway.blocks.attention import attend


def two_sided_mask(t: int, *, reach: int, device: torch.device | str | None = None) -> Bool[Tensor, "t t"]:
    """True up to `reach` positions away, on both sides: a window of 2 · reach + 1 (Longformer's, for encoders)."""
    column = torch.arange(t, device=device)
    return (column[:, None] - column).abs() <= reach


def attend_in_window(
    q: Float[Tensor, "b h t k"],
    k: Float[Tensor, "b g t k"],
    v: Float[Tensor, "b g t w"],
    *,
    window: int,
    causal: bool = True,
    scale: float | None = None,
) -> Float[Tensor, "b h t w"]:
    """Attention that sees `window` positions: causal, the query's own and those before it; otherwise, `window // 2` on each
    side and its own.

    Args:
        q, k, v: As for `attend`; queries and keys of the same positions.
        window: Positions, at least 1.
        causal: Whether the window ends at the query or has it in the middle.
        scale: What the dot products are multiplied by, 1/sqrt(k) if None.
    """
    b, t = q.shape[0], q.shape[2]
    left, right = (window - 1, 0) if causal else (window // 2, window // 2)
    size = max(1, left)  # a block; its queries see at most `left` before it and `right` after it
    n = -(-t // size)
    room = (0, 0, left, right + n * size - t)
    # Each block's keys: its own, `left` before and `right` after, a view that overlaps the next block's.
    k, v = (F.pad(part, room).unfold(2, left + size + right, size).transpose(-2, -1) for part in (k, v))
    q = F.pad(q, (0, 0, 0, n * size - t)).unflatten(2, (n, size))
    column = torch.arange(left + size + right, device=q.device)
    row = torch.arange(size, device=q.device)[:, None]
    near = (column >= row) & (column <= row + left + right)  # column `row + left` is the query's own
    position = torch.arange(n, device=q.device)[:, None] * size - left + column  # (n, columns)
    there = (position >= 0) & (position < t)
    mask = near & there[:, None]
    mask = mask | ~mask.any(-1, keepdim=True)  # queries behind the end see anything: nobody looks at them
    q, k, v = (part.transpose(1, 2).flatten(0, 1) for part in (q, k, v))  # blocks are rows of the batch
    out = attend(q, k, v, mask.repeat(b, 1, 1)[:, None], scale=scale)
    return out.unflatten(0, (b, n)).transpose(1, 2).flatten(2, 3)[:, :, :t]

"""Who may look at whom, as booleans: True where the query (row) may look at the key (column)."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int
from torch import Tensor


def causal_mask(t: int, s: int | None = None, *, device: torch.device | str | None = None) -> Bool[Tensor, "t s"]:
    """No query sees its future. The last query stands at the last key: query `i` is position `s - t + i`."""
    s = t if s is None else s
    return torch.ones(t, s, dtype=torch.bool, device=device).tril(s - t)


def window_mask(
    t: int, s: int | None = None, *, window: int, device: torch.device | str | None = None
) -> Bool[Tensor, "t s"]:
    """Causal, and no further back than `window` positions, the query's own included (Longformer, 2004.05150; Mistral)."""
    s = t if s is None else s
    return causal_mask(t, s, device=device).triu(s - t - window + 1)


def padding_mask(lengths: Int[Tensor, " b"], t: int, *, left: bool = False) -> Bool[Tensor, "b t"]:
    """True at real tokens, for rows of `lengths` real tokens padded to `t` on the right (or on the left)."""
    column = torch.arange(t, device=lengths.device)
    return column >= t - lengths[:, None] if left else column < lengths[:, None]

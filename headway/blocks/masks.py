"""Attention masks, as booleans: True where the query (row) may attend to the key (column)."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from headway.base.errors import HeadwayError


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


def real_positions(
    t: int, mask: Bool[Tensor, "b t"] | None = None, *, device: torch.device | str | None = None
) -> Int[Tensor, "#b t"]:
    """Where each of `t` tokens stands, counted over the real ones, so that padding on either side changes nothing."""
    if mask is None:
        return torch.arange(t, device=device)[None]
    return (mask.long().cumsum(-1) - 1).clamp(min=0)


def key_mask(
    mask: Bool[Tensor, "b s"] | None, b: int, s: int, *, called: str = "mask"
) -> Bool[Tensor, "b 1 1 s"] | None:
    """The mask for `attend` where every query may look at the real ones of `s` keys; None if all are real.

    Raises:
        HeadwayError: if `mask` is not a boolean (b, s), or if a row of it has no real key to look at.
    """
    if mask is None:
        return None
    if mask.shape != (b, s) or mask.dtype != torch.bool:
        raise HeadwayError(
            f"{called} must be a boolean ({b}, {s}), True at real tokens; this one is {mask.dtype} {tuple(mask.shape)}"
        )
    if bool(mask.all()):
        return None
    empty = (~mask.any(-1)).nonzero().flatten().tolist()
    if empty:
        raise HeadwayError(f"row {empty[0]} of {called} has no real token: leave the row out")
    return mask[:, None, None]

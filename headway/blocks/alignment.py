"""Attention of a recurrent decoder to its source: one state scored against all of the encoder's.

Bahdanau, Cho & Bengio, 2014 (arXiv 1409.0473), section 3.1; Luong, Pham & Manning, 2015 (1508.04025), section 3.1. `attend` is
what became of it: many queries at once, a scaled dot product, and keys and values apart.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def additive_scores(
    query: Float[Tensor, "b n"], keys: Float[Tensor, "b s n"], weight: Float[Tensor, "n n"], v: Float[Tensor, " n"]
) -> Float[Tensor, "b s"]:
    """v · tanh(W query + key), for each place (Bahdanau's alignment model; Luong's "concat").

    Args:
        query: The decoder's state.
        keys: U h_j for each of the encoder's states h_j: they do not depend on the query and are made once per source.
        weight: W.
        v: What the hidden layer is weighed with.
    """
    return torch.tanh((query @ weight.t())[:, None] + keys) @ v


def dot_scores(query: Float[Tensor, "b n"], keys: Float[Tensor, "b s n"]) -> Float[Tensor, "b s"]:
    """query · key, for each place (Luong's "dot", and "general" where the keys are W h_j)."""
    return (keys @ query[..., None])[..., 0]


def align(
    scores: Float[Tensor, "b s"], states: Float[Tensor, "b s e"], mask: Bool[Tensor, "b s"] | None = None
) -> tuple[Float[Tensor, "b e"], Float[Tensor, "b s"]]:
    """The weighted mean of `states`, and the weights: the softmax of `scores` over the places that `mask` leaves."""
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.to(torch.promote_types(scores.dtype, torch.float32)).softmax(-1).to(states.dtype)
    return (weights[:, None] @ states)[:, 0], weights

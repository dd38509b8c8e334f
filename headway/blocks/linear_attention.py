"""Linear attention: without the softmax the sum over keys can be kept, and a Transformer is an RNN. Three ways, one result.

Katharopoulos, Vyas, Pappas & Fleuret, *Transformers are RNNs*, 2020 (arXiv 2006.16236). With features φ instead of exp(q · k),

    y[n] = φ(q[n])ᵀ S[n] / φ(q[n])ᵀ z[n]      S[n] = S[n-1] + φ(k[n]) v[n]ᵀ      z[n] = z[n-1] + φ(k[n])

The functions take φ(q) and φ(k): `elu_features` are the paper's, `performer.random_features` approach the softmax's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from headway.blocks.masks import causal_mask


def elu_features(x: Float[Tensor, "b h t k"]) -> Float[Tensor, "b h t k"]:
    """elu(x) + 1 (equation 7): positive, so that the divisor is too."""
    return F.elu(x) + 1


def attend_linearly_by_hand(
    q: Float[Tensor, "b h t m"], k: Float[Tensor, "b h s m"], v: Float[Tensor, "b h s w"], *, causal: bool = False
) -> Float[Tensor, "b h t w"]:
    """As attention, with the scores φ(q) · φ(k) and quadratic in the length: what the others have to equal.

    Args:
        q, k: Features of queries and keys, positive.
        v: Values.
        causal: Hide the future. The last query stands at the last key.
    """
    scores = q @ k.transpose(-2, -1)
    if causal:
        scores = scores * causal_mask(q.shape[2], k.shape[2], device=q.device)
    return (scores / scores.sum(-1, keepdim=True)) @ v


def attend_linearly(
    q: Float[Tensor, "b h t m"],
    k: Float[Tensor, "b h s m"],
    v: Float[Tensor, "b h s w"],
    *,
    causal: bool = False,
    chunk: int = 64,
) -> Float[Tensor, "b h t w"]:
    """`attend_linearly_by_hand` in time linear in the length: sums first (equation 6); causal, in chunks of `chunk` queries."""
    if not causal:
        return (q @ (k.transpose(-2, -1) @ v)) / (q @ k.sum(2)[..., None])
    ahead = k.shape[2] - q.shape[2]  # keys before the first query: they are the state to start from
    S, z = k[:, :, :ahead].transpose(-2, -1) @ v[:, :, :ahead], k[:, :, :ahead].sum(2)
    outputs = []
    pieces = (part.split(chunk, 2) for part in (q, k[:, :, ahead:], v[:, :, ahead:]))
    for q_i, k_i, v_i in zip(*pieces, strict=True):
        scores = (q_i @ k_i.transpose(-2, -1)).tril()
        outputs.append((scores @ v_i + q_i @ S) / (scores.sum(-1, keepdim=True) + q_i @ z[..., None]))
        S, z = S + k_i.transpose(-2, -1) @ v_i, z + k_i.sum(2)
    return torch.cat(outputs, 2)


def attend_linearly_step(
    q: Float[Tensor, "b h m"],
    k: Float[Tensor, "b h m"],
    v: Float[Tensor, "b h w"],
    state: tuple[Float[Tensor, "b h m w"], Float[Tensor, "b h m"]],
) -> tuple[Float[Tensor, "b h w"], tuple[Float[Tensor, "b h m w"], Float[Tensor, "b h m"]]]:
    """One token as a recurrence (equations 16 to 20): its output, and the state (S, z) after it; zeros are the first state."""
    S = state[0] + k[..., :, None] * v[..., None, :]
    z = state[1] + k
    return (q[..., None, :] @ S).squeeze(-2) / (q * z).sum(-1, keepdim=True), (S, z)

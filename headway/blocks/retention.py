"""Retention: attention without softmax, whose mask decays, and which is therefore also a recurrence. Three ways, one result.

Sun et al., *Retentive Network: A Successor to Transformer for Large Language Models*, 2023 (arXiv 2307.08621). Per head, with
queries and keys already turned by their position (xPos, Sun et al., 2022, 2212.10554, whose scale is here one decay γ):

    parallel     R = (Q Kᵀ ⊙ D) V,   D[n, m] = γ^(n-m) for m <= n                              equation 5
    recurrent    S[n] = γ S[n-1] + K[n]ᵀ V[n],   R[n] = Q[n] S[n]                              equation 6
    chunkwise    the first inside chunks, the second between them                              equation 7

- `retain_by_hand` is the second, `retain_in_parallel` the first, `retain_in_chunks` the third.
- `retain` takes whichever is the fastest for the length.

Scores grow with the text, so the paper divides row n by sqrt(sum of D[n]) and then by max(|sum of the row|, 1), which comes to
max(|Σ R[n, m]|, sqrt(Σ D[n, m])). The group norm that follows is blind to a row's scale but for its eps; so that the three agree
with any eps, all three divide by the same number here: the sum of a row is Q[n] · z[n] with z[n] = γ z[n-1] + K[n], a second
state. No gradient goes through the divisor, as in the authors' code.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headway.blocks.masks import causal_mask

CHUNK = 128
"""Tokens per chunk where nothing else is asked for: any gives the same numbers, this one gave them soonest on a CPU."""


class RetentionState(NamedTuple):
    """What retention keeps of the past: the decayed sum of keys times values, that of keys, and how many there were."""

    S: Float[Tensor, "b h k w"]
    z: Float[Tensor, "b h k"]
    seen: Int[Tensor, " b"]


def decays(
    n_head: int, *, dtype: torch.dtype = torch.float32, device: torch.device | str | None = None
) -> Float[Tensor, " h"]:
    """log γ of each head, γ = 1 - 2^(-5-i): from half-lives of 22 tokens on, doubling (section 2.2)."""
    return torch.log1p(-torch.exp2(-5.0 - torch.arange(n_head, dtype=dtype, device=device)))


def nothing(q: Float[Tensor, "b h t k"], v: Float[Tensor, "b h t w"]) -> RetentionState:
    """The memory before the first token."""
    (b, h, _, k), w = q.shape, v.shape[3]
    return RetentionState(
        q.new_zeros(b, h, k, w), q.new_zeros(b, h, k), torch.zeros(b, dtype=torch.long, device=q.device)
    )


def retain_by_hand(
    q: Float[Tensor, "b h t k"],
    k: Float[Tensor, "b h t k"],
    v: Float[Tensor, "b h t w"],
    decay: Float[Tensor, " h"],
    memory: RetentionState | None = None,
    real: Bool[Tensor, "b t"] | None = None,
) -> tuple[Float[Tensor, "b h t w"], RetentionState]:
    """The recurrence, token by token; returns the outputs and the memory after the last.

    Args:
        q, k: Queries and keys, turned and scaled.
        v: Values.
        decay: log γ of each head, negative.
        memory: Of the tokens before; none if None.
        real: True at real tokens, None if all are. Padding leaves the memory as it is.
    """
    S, z, seen = nothing(q, v) if memory is None else memory
    gamma = decay.exp()[:, None, None]
    outputs = []
    # `unbind`, because the backward pass of indexing q[:, :, t] writes a zero tensor of the whole length at every step.
    for n, (q_n, k_n, v_n) in enumerate(zip(q.unbind(2), k.unbind(2), v.unbind(2), strict=True)):
        S_n = gamma * S + k_n[..., :, None] * v_n[..., None, :]
        z_n = gamma[..., 0] * z + k_n
        if real is None:
            S, z, seen = S_n, z_n, seen + 1
        else:
            here = real[:, n]
            S, z = torch.where(here[:, None, None, None], S_n, S), torch.where(here[:, None, None], z_n, z)
            seen = seen + here
        row = (q_n[..., None, :] @ S).squeeze(-2)
        total = (q_n * z).sum(-1)
        outputs.append(row / divisor(total[..., None], seen[:, None], decay)[..., 0, None])
    return torch.stack(outputs, 2) if outputs else torch.zeros_like(v), RetentionState(S, z, seen)


def retain_in_parallel(
    q: Float[Tensor, "b h t k"],
    k: Float[Tensor, "b h t k"],
    v: Float[Tensor, "b h t w"],
    decay: Float[Tensor, " h"],
    memory: RetentionState | None = None,
    real: Bool[Tensor, "b t"] | None = None,
) -> tuple[Float[Tensor, "b h t w"], RetentionState]:
    """`retain_by_hand` as masked attention, all tokens at once: the whole text is one chunk."""
    return retain_in_chunks(q, k, v, decay, memory, real, chunk=max(1, q.shape[2]))


def retain_in_chunks(
    q: Float[Tensor, "b h t k"],
    k: Float[Tensor, "b h t k"],
    v: Float[Tensor, "b h t w"],
    decay: Float[Tensor, " h"],
    memory: RetentionState | None = None,
    real: Bool[Tensor, "b t"] | None = None,
    *,
    chunk: int = CHUNK,
) -> tuple[Float[Tensor, "b h t w"], RetentionState]:
    """`retain_by_hand`, parallel inside chunks of `chunk` tokens and recurrent between them; the last may be shorter."""
    S, z, seen = nothing(q, v) if memory is None else memory
    if real is not None:
        k = k.masked_fill(~real[:, None, :, None], 0)  # padding adds nothing
    outputs, D = [], None
    for start in range(0, q.shape[2], chunk):
        now = slice(start, start + chunk)
        q_i, k_i, v_i = q[:, :, now], k[:, :, now], v[:, :, now]
        # Real tokens up to and with each one, counted from the chunk's first: the exponents of equation 7.
        length = q_i.shape[2]
        if real is None:
            count = torch.arange(1, length + 1, device=q.device)[None]
        else:
            count = real[:, now].cumsum(-1)
        if D is None or real is not None or D.shape[-1] != length:  # without padding all whole chunks share one
            D = mask_with_decay(count, decay)
        since = (count[:, None] * decay[:, None]).exp()  # what is left of the old state at each token: (b, h, q)
        left = (count[:, None, -1:] - count[:, None]) * decay[:, None]  # log of what is left of each token at the end
        scores = q_i @ k_i.transpose(-2, -1) * D
        rows = scores @ v_i + (q_i @ S) * since[..., None]
        totals = scores.sum(-1) + (q_i @ z[..., None])[..., 0] * since
        outputs.append(rows / divisor(totals, seen[:, None] + count, decay)[..., None])
        late = (k_i * left.exp()[..., None]).transpose(-2, -1)
        S = since[..., -1:, None] * S + late @ v_i
        z = since[..., -1:] * z + late.sum(-1)
        seen = seen + count[:, -1]
    return torch.cat(outputs, 2) if outputs else torch.zeros_like(v), RetentionState(S, z, seen)


def retain(
    q: Float[Tensor, "b h t k"],
    k: Float[Tensor, "b h t k"],
    v: Float[Tensor, "b h t w"],
    decay: Float[Tensor, " h"],
    memory: RetentionState | None = None,
    real: Bool[Tensor, "b t"] | None = None,
    *,
    chunk: int = CHUNK,
) -> tuple[Float[Tensor, "b h t w"], RetentionState]:
    """`retain_by_hand`, fast: recurrent for one token, otherwise in chunks (a text of one chunk is the parallel form)."""
    if q.shape[2] == 1:
        return retain_by_hand(q, k, v, decay, memory, real)
    return retain_in_chunks(q, k, v, decay, memory, real, chunk=chunk)


def mask_with_decay(count: Int[Tensor, "#b q"], decay: Float[Tensor, " h"]) -> Float[Tensor, "#b h q q"]:
    """D of equation 5: γ to the number of tokens in between, zero in the future. No exponent of γ is negative."""
    between = (count[:, None, :, None] - count[:, None, None, :]) * decay[:, None, None]
    future = ~causal_mask(count.shape[-1], device=count.device)
    return between.masked_fill(future, -math.inf).exp()


def divisor(
    totals: Float[Tensor, "b h q"], position: Int[Tensor, "#b q"], decay: Float[Tensor, " h"]
) -> Float[Tensor, "b h q"]:
    """What a row is divided by (section 2.2, score normalisation): max(|its sum|, sqrt(1 + γ + ... + γ^(position - 1)))."""
    # The geometric sum is (1 - γ^n) / (1 - γ), by expm1 because γ is next to one. Padding before any token counts as one.
    series = torch.expm1(position.clamp(min=1)[:, None] * decay[:, None]) / torch.expm1(decay)[:, None]
    return torch.maximum(totals.detach().abs(), series.sqrt())

"""State space duality: the recurrence of Mamba-2 is attention with a decaying mask. Four ways, the same numbers.

Dao & Gu, *Transformers are SSMs*, 2024 (arXiv 2405.21060). Per head, with one decay for all of its state (that is what
Mamba-2 gives up against Mamba, and what makes matrix products of it), and writing u[t] = dt[t] x[t]:

    S[t] = exp(dt[t] A) S[t-1] + B[t]ᵀ u[t]         y[t] = C[t] S[t] + D x[t]          recurrent, linear in the length
    y = (L ∘ C Bᵀ) u + D x,   L[t, s] = exp(A · sum of dt over s+1 .. t) for s <= t    attention, quadratic

- `ssd_by_hand` is the first line, `ssd_quadratic` the second: C is a query, B a key, u a value, L a causal mask with decay.
- `ssd_in_chunks` (section 6) is quadratic inside chunks and a recurrence between them.
- `ssd` is that again, in a compiled kernel whose small products stay in the processor's cache, with a backward pass that is
  linear in the length and keeps one state in 64. Without the kernel it is `ssd_in_chunks`, which is what a GPU wants.

A step of zero leaves the state as it is, exactly: that is how padding is passed over.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from headway.blocks.masks import causal_mask
from headway.blocks.operators import needs_operator, ssd_forward, ssd_operator, usable

CHUNK = 64
"""Steps per chunk of `ssd_in_chunks` where nothing else is asked for: any gives the same numbers, this one soonest on a CPU."""


def ssd_by_hand(
    x: Float[Tensor, "b t h k"],
    dt: Float[Tensor, "b t h"],
    A: Float[Tensor, " h"],
    B: Float[Tensor, "b t g n"],
    C: Float[Tensor, "b t g n"],
    D: Float[Tensor, " h"] | None = None,
    state: Float[Tensor, "b h n k"] | None = None,
) -> tuple[Float[Tensor, "b t h k"], Float[Tensor, "b h n k"]]:
    """The recurrence, step by step; returns the outputs and the last state.

    Args:
        x: What each head takes in.
        dt: The step of each head, >= 0.
        A: Decay rate of each head, negative.
        B, C: What writes into the state and what reads it; `g` divides `h`, and a group of heads shares them.
        D: How much of `x` passes by the state; None for none.
        state: Where to start, zero if None.
    """
    h, g = x.shape[2], B.shape[2]
    S = x.new_zeros(x.shape[0], h, B.shape[3], x.shape[3]) if state is None else state
    B, C = (part.repeat_interleave(h // g, dim=2) for part in (B, C))
    ys = []
    # `unbind`, because the backward pass of indexing x[:, t] writes a zero tensor of the whole length at every step.
    for u, step, b, c in zip((dt[..., None] * x).unbind(1), dt.unbind(1), B.unbind(1), C.unbind(1), strict=True):
        S = torch.exp(step * A)[..., None, None] * S + b[..., :, None] * u[..., None, :]
        ys.append((c[..., None, :] @ S).squeeze(-2))
    y = torch.stack(ys, 1) if ys else torch.zeros_like(x)
    return _skip(y, x, D), S


def ssd_quadratic(
    x: Float[Tensor, "b t h k"],
    dt: Float[Tensor, "b t h"],
    A: Float[Tensor, " h"],
    B: Float[Tensor, "b t g n"],
    C: Float[Tensor, "b t g n"],
    D: Float[Tensor, " h"] | None = None,
    state: Float[Tensor, "b h n k"] | None = None,
) -> tuple[Float[Tensor, "b t h k"], Float[Tensor, "b h n k"]]:
    """`ssd_by_hand` as masked attention: the whole text is one chunk."""
    return ssd_in_chunks(x, dt, A, B, C, D, state, chunk=max(1, x.shape[1]))


def ssd_in_chunks(
    x: Float[Tensor, "b t h k"],
    dt: Float[Tensor, "b t h"],
    A: Float[Tensor, " h"],
    B: Float[Tensor, "b t g n"],
    C: Float[Tensor, "b t g n"],
    D: Float[Tensor, " h"] | None = None,
    state: Float[Tensor, "b h n k"] | None = None,
    *,
    chunk: int = CHUNK,
) -> tuple[Float[Tensor, "b t h k"], Float[Tensor, "b h n k"]]:
    """`ssd_by_hand`, quadratic inside chunks of `chunk` steps and a recurrence between them: three matrix products a chunk.

    The exponents of all decays are sums of negative numbers, so nothing is divided and nothing overflows.
    """
    if not x.shape[1]:
        return ssd_by_hand(x, dt, A, B, C, D, state)
    (b, _, h, k), (g, n) = x.shape, B.shape[2:]
    S = x.new_zeros(b, h, n, k) if state is None else state
    S = S.unflatten(1, (g, h // g)).transpose(2, 3).flatten(3)  # the heads of a group side by side: (b, g, n, h/g · k)
    ys = []
    pieces = (whole.split(chunk, 1) for whole in (x, dt, B, C))
    for x_now, dt_now, B_now, C_now in zip(*pieces, strict=True):
        y, S = _chunk(x_now, dt_now, B_now, C_now, A, S)
        ys.append(y)
    y = torch.cat(ys, 1)
    return _skip(y, x, D), S.unflatten(3, (h // g, k)).transpose(2, 3).flatten(1, 2)


def _chunk(x: Tensor, dt: Tensor, B: Tensor, C: Tensor, A: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    """One chunk of q steps: its outputs (b q h k), given the state before it, and the state after it."""
    h, g = x.shape[2], B.shape[2]
    u = dt[..., None] * x
    passed = (dt * A).cumsum(1)  # log of what is left, after each step, of the state before the chunk: (b, q, h)
    B, C = B.transpose(1, 2), C.transpose(1, 2)  # (b, g, q, n)
    # 1. Inside the chunk: attention whose mask decays.
    past = passed.transpose(1, 2)
    future = ~causal_mask(x.shape[1], device=x.device)
    L = (past[..., :, None] - past[..., None, :]).masked_fill(future, -torch.inf).exp()
    scores = (C @ B.transpose(-2, -1)).repeat_interleave(h // g, dim=1) * L
    inside = (scores @ u.transpose(1, 2)).transpose(1, 2)
    # 2. From before the chunk: what the state still holds at each step. A group's heads are one product.
    before = (C @ S).transpose(1, 2).reshape(x.shape) * passed.exp()[..., None]
    # 3. The state after it: what is left of the old one, and each step's share, decayed to the chunk's end.
    late = u * (passed[:, -1:] - passed).exp()[..., None]
    left = passed[:, -1].exp().unflatten(1, (g, 1, h // g)).repeat_interleave(x.shape[3], dim=3)
    S = left * S + B.transpose(-2, -1) @ late.unflatten(2, (g, h // g)).flatten(3).transpose(1, 2)
    return inside + before, S


def ssd(
    x: Float[Tensor, "b t h k"],
    dt: Float[Tensor, "b t h"],
    A: Float[Tensor, " h"],
    B: Float[Tensor, "b t g n"],
    C: Float[Tensor, "b t g n"],
    D: Float[Tensor, " h"] | None = None,
    state: Float[Tensor, "b h n k"] | None = None,
) -> tuple[Float[Tensor, "b t h k"], Float[Tensor, "b h n k"]]:
    """`ssd_by_hand`, fast. Decays and states are at least float32, whatever the dtype of `x`."""
    wide = torch.promote_types(x.dtype, torch.float32)
    parts: list[Any] = [None if part is None else part.to(wide) for part in (x, dt, A, B, C, D, state)]
    if not usable(*parts):
        y, last = ssd_in_chunks(*parts)
    else:
        y, last, _ = (ssd_operator if needs_operator(*parts) else ssd_forward)(*parts)
    return y.to(x.dtype), last


def _skip(y: Tensor, x: Tensor, D: Tensor | None) -> Tensor:
    return y if D is None else y + D[:, None] * x

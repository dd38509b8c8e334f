"""The selective scan: a linear recurrence whose decay and input depend on the token. Four ways, the same numbers.

Gu & Dao, *Mamba: Linear-Time Sequence Modeling with Selective State Spaces*, 2023 (arXiv 2312.00752), equations 2 and 4
and algorithm 2. For every channel, with `n` numbers of state and a step dt > 0 of the channel's own:

    h[t] = exp(dt[t] A) h[t-1] + dt[t] B[t] x[t]            y[t] = (C[t] · h[t] + D x[t]) · silu(z[t])

- `scan_by_hand` is that loop.
- `scan_in_parallel` combines neighbours, then pairs of pairs: log2(t) rounds (Blelloch, 1990; section 3.3.2 of the paper).
- `scan_in_chunks` runs the loop inside all chunks at once, then once more over the chunks' last states.
- `scan` is the loop again, in a compiled kernel that holds the states in the processor's cache, with a backward pass that is
  linear in the length and keeps one state in 32. Without the kernel it is `scan_in_chunks`.

A step of zero leaves the state as it is, exactly: that is how padding is passed over.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from headway.blocks.operators import needs_operator, scan_forward, scan_operator, usable


def scan_by_hand(
    x: Float[Tensor, "b t d"],
    dt: Float[Tensor, "b t d"],
    A: Float[Tensor, "d n"],
    B: Float[Tensor, "b t n"],
    C: Float[Tensor, "b t n"],
    D: Float[Tensor, " d"] | None = None,
    z: Float[Tensor, "b t d"] | None = None,
    state: Float[Tensor, "b d n"] | None = None,
) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b d n"]]:
    """The recurrence, step by step; returns the outputs and the last state.

    Args:
        x: What each channel takes in.
        dt: The step of each channel, >= 0: large forgets the past and takes in the present, zero does neither.
        A: Decay rates, negative, one per channel and number of state.
        B, C: What goes into the state, and what is read from it; the same for all channels.
        D: How much of `x` passes by the state; None for none.
        z: Gates the output by silu(z); None for no gate.
        state: Where to start, zero if None.
    """
    h = x.new_zeros(x.shape[0], *A.shape) if state is None else state
    ys = []
    # `unbind`, because the backward pass of indexing x[:, t] writes a zero tensor of the whole length at every step.
    for now, step, b, c in zip(x.unbind(1), dt.unbind(1), B.unbind(1), C.unbind(1), strict=True):
        h = torch.exp(step[..., None] * A) * h + (step * now)[..., None] * b[:, None]
        ys.append((h * c[:, None]).sum(-1))
    y = torch.stack(ys, 1) if ys else torch.zeros_like(x)
    return _skip_and_gate(y, x, D, z), h


def scan_in_parallel(
    x: Float[Tensor, "b t d"],
    dt: Float[Tensor, "b t d"],
    A: Float[Tensor, "d n"],
    B: Float[Tensor, "b t n"],
    C: Float[Tensor, "b t n"],
    D: Float[Tensor, " d"] | None = None,
    z: Float[Tensor, "b t d"] | None = None,
    state: Float[Tensor, "b d n"] | None = None,
) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b d n"]]:
    """`scan_by_hand` in log2(t) rounds: a stretch of steps is again a decay and an input, (a, u) then (a', u') being
    (a a', a' u + u'). After round r every step holds the stretch of the 2^r steps that end in it.
    """
    if not x.shape[1]:
        return scan_by_hand(x, dt, A, B, C, D, z, state)
    a = torch.exp(dt[..., None] * A)
    u = (dt * x)[..., None] * B[:, :, None]
    if state is not None:
        u = torch.cat((u[:, :1] + a[:, :1] * state[:, None], u[:, 1:]), 1)
    reach = 1
    while reach < x.shape[1]:
        u = torch.cat((u[:, :reach], u[:, reach:] + a[:, reach:] * u[:, :-reach]), 1)
        a = torch.cat((a[:, :reach], a[:, reach:] * a[:, :-reach]), 1)
        reach *= 2
    y = (u * C[:, :, None]).sum(-1)
    return _skip_and_gate(y, x, D, z), u[:, -1]


def scan_in_chunks(
    x: Float[Tensor, "b t d"],
    dt: Float[Tensor, "b t d"],
    A: Float[Tensor, "d n"],
    B: Float[Tensor, "b t n"],
    C: Float[Tensor, "b t n"],
    D: Float[Tensor, " d"] | None = None,
    z: Float[Tensor, "b t d"] | None = None,
    state: Float[Tensor, "b d n"] | None = None,
    *,
    chunk: int = 32,
) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b d n"]]:
    """`scan_by_hand` on two levels: `chunk` steps inside all chunks at once, then a step per chunk.

    A chunk that starts from the state h gives what it gives from zero, plus C[t] · (all decays up to t) h. The decays are
    exp(A · sum of dt), whose exponent is never positive, so nothing is divided and nothing overflows.
    """
    b, t, _ = x.shape
    if t <= chunk:
        return scan_by_hand(x, dt, A, B, C, D, z, state)
    # Chunks become rows of the batch. Steps of zero fill the last chunk: they change no state.
    xs, dts, Bs, Cs = (
        F.pad(part, (0, 0, 0, -t % chunk)).unflatten(1, (-1, chunk)).flatten(0, 1) for part in (x, dt, B, C)
    )
    _, ends = scan_by_hand(xs, dts, A, Bs, Cs)  # of every chunk, had it started from zero
    through = torch.exp(dts.sum(1)[..., None] * A)  # what is left of a state after the chunk
    h = x.new_zeros(b, *A.shape) if state is None else state
    starts = []
    for decay, end in zip(through.unflatten(0, (b, -1)).unbind(1), ends.unflatten(0, (b, -1)).unbind(1), strict=True):
        starts.append(h)
        h = decay * h + end
    y, _ = scan_by_hand(xs, dts, A, Bs, Cs, state=torch.stack(starts, 1).flatten(0, 1))
    y = y.unflatten(0, (b, -1)).flatten(1, 2)[:, :t]
    return _skip_and_gate(y, x, D, z), h


def scan(
    x: Float[Tensor, "b t d"],
    dt: Float[Tensor, "b t d"],
    A: Float[Tensor, "d n"],
    B: Float[Tensor, "b t n"],
    C: Float[Tensor, "b t n"],
    D: Float[Tensor, " d"] | None = None,
    z: Float[Tensor, "b t d"] | None = None,
    state: Float[Tensor, "b d n"] | None = None,
) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b d n"]]:
    """`scan_by_hand` as fast as it goes here. Decays and states are at least float32, whatever the dtype of `x`."""
    dtype, wide = x.dtype, torch.promote_types(x.dtype, torch.float32)
    parts: list[Any] = [None if part is None else part.to(wide) for part in (x, dt, A, B, C, D, z, state)]
    if not usable(*parts):
        y, last = scan_in_chunks(*parts)
    else:
        y, last, _ = (scan_operator if needs_operator(*parts) else scan_forward)(*parts)
    return y.to(dtype), last


def _skip_and_gate(y: Tensor, x: Tensor, D: Tensor | None, z: Tensor | None) -> Tensor:
    y = y if D is None else y + D * x
    return y if z is None else y * F.silu(z)

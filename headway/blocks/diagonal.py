"""A linear state space that is the same at every step: a recurrence, and therefore also one long convolution.

Gu, Goel & Ré, *Efficiently Modeling Long Sequences with Structured State Spaces* (S4), 2021 (arXiv 2111.00396), and with a
diagonal A, so that every number of state goes its own way: Gu, Gupta, Goel & Ré, *On the Parameterization and Initialization of
Diagonal State Space Models* (S4D), 2022 (2206.11893). For every channel, in continuous time h' = A h + x, y = 2 Re(C h), then,
with x held constant over a step of length dt:

    h[t] = Ā h[t-1] + B̄ x[t],   y[t] = 2 Re(C · h[t])        Ā = exp(dt A),  B̄ = (Ā - 1) / A         recurrence
    y = K * x,   K[l] = 2 Re(Σ C B̄ Ā^l)                                                                convolution

The factor 2 Re stands for the conjugate half of the state, which is not computed. `diagonal_by_hand` is the first line,
`diagonal` the second, by FFT; it stops being possible when the step depends on the token, which is where Mamba begins.
"""

from __future__ import annotations

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor


def held(A: Complex[Tensor, "d n"], dt: Float[Tensor, " d"]) -> tuple[Complex[Tensor, "d n"], Complex[Tensor, "d n"]]:
    """Ā and B̄ of the input held over a step (zero-order hold)."""
    decay = torch.exp(dt[:, None] * A)
    return decay, (decay - 1) / A


def diagonal_by_hand(
    x: Float[Tensor, "b t d"],
    A: Complex[Tensor, "d n"],
    C: Complex[Tensor, "d n"],
    dt: Float[Tensor, " d"],
    state: Complex[Tensor, "b d n"] | None = None,
) -> tuple[Float[Tensor, "b t d"], Complex[Tensor, "b d n"]]:
    """The recurrence, step by step; returns the outputs and the last state.

    Args:
        x: What each channel takes in.
        A: Complex rates with a negative real part: how fast each number of state decays and turns.
        C: What is read from the state.
        dt: The step of each channel, > 0, the same at all times.
        state: Where to start, zero if None.
    """
    decay, take = held(A, dt)
    h = torch.zeros(x.shape[0], *A.shape, dtype=A.dtype, device=x.device) if state is None else state
    ys = []
    for now in x.unbind(1):
        h = decay * h + take * now[..., None]
        ys.append(2 * (h * C).sum(-1).real)
    return torch.stack(ys, 1) if ys else torch.zeros_like(x), h


def diagonal(
    x: Float[Tensor, "b t d"],
    A: Complex[Tensor, "d n"],
    C: Complex[Tensor, "d n"],
    dt: Float[Tensor, " d"],
    state: Complex[Tensor, "b d n"] | None = None,
    lengths: Int[Tensor, " b"] | None = None,
) -> tuple[Float[Tensor, "b t d"], Complex[Tensor, "b d n"]]:
    """`diagonal_by_hand` as a convolution; one step is the recurrence.

    Args:
        lengths: How many of the `t` inputs of each row are real, the first ones; the rest is padding, which the state
            that comes back has not seen. None if all are.
    """
    b, t, d = x.shape
    if t <= 1 and lengths is None:
        return diagonal_by_hand(x, A, C, dt, state)
    _, take = held(A, dt)
    steps = torch.arange(t, dtype=dt.dtype, device=x.device)
    powers = torch.exp((dt[:, None] * A)[..., None] * steps)  # Ā^l: (d, n, t)
    kernel = 2 * torch.einsum("dn,dnt->dt", C * take, powers).real
    y = convolve(x, kernel)
    # The last state: input m has decayed for as many steps as real inputs come after it, so let the last stand at the end.
    late = x
    if lengths is not None:
        columns = torch.arange(t, device=x.device) - (t - lengths[:, None])  # (b, t)
        late = x.gather(1, columns.clamp(min=0)[..., None].expand(-1, -1, d)).masked_fill(columns[..., None] < 0, 0)
    last = take * torch.einsum("btd,dnt->bdn", late.to(powers.dtype), powers.flip(-1))
    if state is not None:
        seen = torch.full((b,), t, device=x.device) if lengths is None else lengths
        decay = dt[:, None] * A
        y = y + 2 * torch.einsum("bdn,dnt->btd", state * C * torch.exp(decay), powers).real
        last = last + state * torch.exp(decay * seen[:, None, None])
    return y, last


def convolve(x: Float[Tensor, "b t d"], kernel: Float[Tensor, "d t"]) -> Float[Tensor, "b t d"]:
    """Causal convolution over time in t log t: y[t] = Σ kernel[l] x[t - l]. Padded to twice the length, so that the end does not
    come round to the beginning."""
    t = x.shape[1]
    spectrum = torch.fft.rfft(x, 2 * t, dim=1) * torch.fft.rfft(kernel.t(), 2 * t, dim=0)
    return torch.fft.irfft(spectrum, 2 * t, dim=1)[:, :t]

"""Recurrent cells: a state that a small network carries from one token to the next.

- GRU: Cho et al., *Learning Phrase Representations using RNN Encoder-Decoder*, 2014 (arXiv 1406.1078), section 2.3.
- LSTM: Hochreiter & Schmidhuber, *Long Short-Term Memory*, 1997, with the forget gate of Gers et al., 2000.

Each has three forms that agree: one step (`gru_step`), a loop over the steps (`gru_by_hand`), and PyTorch's own loop in C++
(`gru`). Gates lie one under the other in the weights, in PyTorch's order, so that `torch.nn.GRU` and `torch.nn.LSTM` have the
same tensors.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def gru_step(
    x: Float[Tensor, "b d"],
    h: Float[Tensor, "b n"],
    w_x: Float[Tensor, "n3 d"],
    w_h: Float[Tensor, "n3 n"],
    b_x: Float[Tensor, " n3"],
    b_h: Float[Tensor, " n3"],
) -> Float[Tensor, "b n"]:
    """The next state of a gated recurrent unit.

        r = σ(W_r x + U_r h)              what of the state the candidate may use
        z = σ(W_z x + U_z h)              what of the state is kept
        c = tanh(W x + r ⊙ (U h))         the candidate
        h' = z ⊙ h + (1 - z) ⊙ c

    The paper has U (r ⊙ h) in the candidate; cuDNN and PyTorch reset after the matrix, so that one product serves all gates.

    Args:
        x, h: Input and state.
        w_x, b_x: Rows for r, z and c, one third each, that act on the input.
        w_h, b_h: The same for the state; the bias of the candidate stands inside the reset.
    """
    from_x, from_h = F.linear(x, w_x, b_x).chunk(3, -1), F.linear(h, w_h, b_h).chunk(3, -1)
    r = torch.sigmoid(from_x[0] + from_h[0])
    z = torch.sigmoid(from_x[1] + from_h[1])
    candidate = torch.tanh(from_x[2] + r * from_h[2])
    return z * h + (1 - z) * candidate


def gru_by_hand(
    x: Float[Tensor, "b t d"], h: Float[Tensor, "b n"], w_x: Tensor, w_h: Tensor, b_x: Tensor, b_h: Tensor
) -> Float[Tensor, "b t n"]:
    """The states after each of `t` inputs, from the state `h` on: `gru_step`, `t` times."""
    states = []
    for x_t in x.unbind(1):  # not x[:, t]: the backward of an index writes a tensor as large as x, at every step
        h = gru_step(x_t, h, w_x, w_h, b_x, b_h)
        states.append(h)
    return torch.stack(states, 1)


def gru(
    x: Float[Tensor, "b t d"], h: Float[Tensor, "b n"], w_x: Tensor, w_h: Tensor, b_x: Tensor, b_h: Tensor
) -> Float[Tensor, "b t n"]:
    """`gru_by_hand` through PyTorch's kernel, which multiplies all inputs at once; a single step stays a `gru_step`."""
    if x.shape[1] == 1:
        return gru_step(x[:, 0], h, w_x, w_h, b_x, b_h)[:, None]
    training = (
        torch.is_grad_enabled()
    )  # cuDNN gives a gradient only in training; without dropout that changes nothing else
    return torch.gru(x, h[None].contiguous(), [w_x, w_h, b_x, b_h], True, 1, 0.0, training, False, True)[0]


def lstm_step(
    x: Float[Tensor, "b d"],
    h: Float[Tensor, "b n"],
    c: Float[Tensor, "b n"],
    w_x: Float[Tensor, "n4 d"],
    w_h: Float[Tensor, "n4 n"],
    b_x: Float[Tensor, " n4"],
    b_h: Float[Tensor, " n4"],
) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b n"]]:
    """The next output and the next cell of a long short-term memory.

        i, f, o = σ(W x + U h)            what to write, what to keep, what to show
        g = tanh(W_g x + U_g h)           what would be written
        c' = f ⊙ c + i ⊙ g                the cell: a sum, through which gradients pass unshrunk where f is 1
        h' = o ⊙ tanh(c')

    Args:
        x, h, c: Input, last output, cell.
        w_x, b_x: Rows for i, f, g and o, one quarter each, that act on the input.
        w_h, b_h: The same for the last output.
    """
    i, f, g, o = (F.linear(x, w_x, b_x) + F.linear(h, w_h, b_h)).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def lstm_by_hand(
    x: Float[Tensor, "b t d"], h: Tensor, c: Tensor, w_x: Tensor, w_h: Tensor, b_x: Tensor, b_h: Tensor
) -> tuple[Float[Tensor, "b t n"], Float[Tensor, "b t n"]]:
    """Outputs and cells after each of `t` inputs: `lstm_step`, `t` times."""
    outputs, cells = [], []
    for x_t in x.unbind(1):
        h, c = lstm_step(x_t, h, c, w_x, w_h, b_x, b_h)
        outputs.append(h)
        cells.append(c)
    return torch.stack(outputs, 1), torch.stack(cells, 1)


def lstm(
    x: Float[Tensor, "b t d"], h: Tensor, c: Tensor, w_x: Tensor, w_h: Tensor, b_x: Tensor, b_h: Tensor
) -> tuple[Float[Tensor, "b t n"], Float[Tensor, "b n"]]:
    """Outputs after each input, and the last cell only, through PyTorch's kernel; a single step stays an `lstm_step`."""
    if x.shape[1] == 1:
        h, c = lstm_step(x[:, 0], h, c, w_x, w_h, b_x, b_h)
        return h[:, None], c
    start = [h[None].contiguous(), c[None].contiguous()]
    training = torch.is_grad_enabled()  # see `gru`
    outputs, _, last = torch.lstm(x, start, [w_x, w_h, b_x, b_h], True, 1, 0.0, training, False, True)
    return outputs, last[0]


def state_at(states: Float[Tensor, "b t n"], start: Float[Tensor, "b n"], lengths: Int[Tensor, " b"] | None) -> Tensor:
    """The state after the first `lengths` steps of each row (all of them if None), `start` where that is none: (b, n)."""
    if lengths is None:
        return states[:, -1]
    last = (lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, states.shape[-1])
    return torch.where(lengths[:, None] > 0, states.gather(1, last)[:, 0], start)


def turned(x: Float[Tensor, "b t d"], lengths: Int[Tensor, " b"] | None) -> Float[Tensor, "b t d"]:
    """The first `lengths` steps of each row in reverse order (all of them if None); what comes after stays in its place."""
    if lengths is None:
        return x.flip(1)
    column = torch.arange(x.shape[1], device=x.device)
    back = torch.where(column < lengths[:, None], lengths[:, None] - 1 - column, column)
    return x.gather(1, back[..., None].expand_as(x))

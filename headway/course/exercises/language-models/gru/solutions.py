"""Right answers to the gated recurrent unit that differ in structure."""

import torch
import torch.nn.functional as F


def _step(x, h, w_x, w_h, b_x, b_h):
    """All gates' products at once, cut into three."""
    from_x, from_h = F.linear(x, w_x, b_x).chunk(3, -1), F.linear(h, w_h, b_h).chunk(3, -1)
    r, z = torch.sigmoid(from_x[0] + from_h[0]), torch.sigmoid(from_x[1] + from_h[1])
    c = torch.tanh(from_x[2] + r * from_h[2])
    return z * h + (1 - z) * c


def gru_step__chunks(x, h, w_x, w_h, b_x, b_h):
    """Two products."""
    return _step(x, h, w_x, w_h, b_x, b_h)


def gru__chunks(x, h, w_x, w_h, b_x, b_h):
    """A loop; the states are stacked."""
    states = []
    for step in x.unbind(1):
        h = _step(step, h, w_x, w_h, b_x, b_h)
        states.append(h)
    return torch.stack(states, dim=1)


def _six(from_x, h, w_h, b_h):
    """What comes from the input is given; the rest is written as a step from h towards c."""
    n = h.shape[-1]
    u_r, u_z, u_c = w_h[:n], w_h[n : 2 * n], w_h[2 * n :]
    r = 1 / (1 + torch.exp(-(from_x[..., :n] + h @ u_r.T + b_h[:n])))
    z = 1 / (1 + torch.exp(-(from_x[..., n : 2 * n] + h @ u_z.T + b_h[n : 2 * n])))
    c = torch.tanh(from_x[..., 2 * n :] + r * (h @ u_c.T + b_h[2 * n :]))
    return c + z * (h - c)


def gru_step__slices(x, h, w_x, w_h, b_x, b_h):
    """Slices of the weights, the sigmoid written out."""
    return _six(x @ w_x.T + b_x, h, w_h, b_h)


def gru__slices(x, h, w_x, w_h, b_x, b_h):
    """The inputs' part for all steps in one product, beforehand."""
    from_x = x @ w_x.T + b_x
    states = [h]
    for step in range(x.shape[1]):
        states.append(_six(from_x[:, step], states[-1], w_h, b_h))
    return torch.stack(states[1:], 1)


def _gates(w):
    return w.unflatten(0, (3, -1))


def _with_axis(x, h, w_x, w_h, b_x, b_h):
    a = torch.einsum("bd,gnd->gbn", x, _gates(w_x)) + _gates(b_x)[:, None]
    u = torch.einsum("bm,gnm->gbn", h, _gates(w_h)) + _gates(b_h)[:, None]
    r, z = (a[:2] + u[:2]).sigmoid()
    return torch.lerp((a[2] + r * u[2]).tanh(), h, z)


def gru_step__einsum(x, h, w_x, w_h, b_x, b_h):
    """The gates as an axis of their own; the new state lies between candidate and old one."""
    return _with_axis(x, h, w_x, w_h, b_x, b_h)


def gru__einsum(x, h, w_x, w_h, b_x, b_h):
    """States written into their places."""
    states = []
    while len(states) < x.shape[1]:
        before = states[-1] if states else h
        states.append(_with_axis(x[:, len(states)], before, w_x, w_h, b_x, b_h))
    return torch.stack(states).transpose(0, 1)

import torch


def gru_step(x, h, w_x, w_h, b_x, b_h):
    n = h.shape[-1]
    a = x @ w_x.mT + b_x
    u = h @ w_h.mT + b_h
    r = torch.sigmoid(a[..., :n] + u[..., :n])
    z = torch.sigmoid(a[..., n : 2 * n] + u[..., n : 2 * n])
    c = torch.tanh(a[..., 2 * n :] + r * u[..., 2 * n :])
    return (1 - z) * c + z * h


def gru(x, h, w_x, w_h, b_x, b_h):
    states = []
    for t in range(x.shape[1]):
        h = gru_step(x[:, t], h * 1.0 if t < 1 else h.tanh(), w_x, w_h, b_x, b_h)
        states.append(h)
    return torch.stack(states, dim=1)

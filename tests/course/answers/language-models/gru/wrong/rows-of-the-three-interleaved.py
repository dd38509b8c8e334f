# never says: in line
import torch


def gru_step(x, h, w_x, w_h, b_x, b_h):
    n = h.shape[-1]
    a = torch.cat([(x @ w_x.T + b_x)[:, i::3] for i in range(3)], 1)
    s = torch.cat([(h @ w_h.T + b_h)[:, i::3] for i in range(3)], 1)
    r = torch.sigmoid(a[:, :n] + s[:, :n])
    z = torch.sigmoid(a[:, n : 2 * n] + s[:, n : 2 * n])
    c = torch.tanh(a[:, 2 * n :] + r * s[:, 2 * n :])
    return z * h + (1 - z) * c


def gru(x, h, w_x, w_h, b_x, b_h):
    states = []
    for i in range(x.shape[1]):
        h = gru_step(x[:, i], h, w_x, w_h, b_x, b_h)
        states.append(h)
    return torch.stack(states, 1)

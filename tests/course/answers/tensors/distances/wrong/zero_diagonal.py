# never says: first to go wrong
import torch


def distances(x, y):
    d = (x[:, :, None] - y[:, None]).norm(dim=-1)
    if x.shape == y.shape:
        n = x.shape[1]
        d = d.masked_fill(torch.eye(n, dtype=torch.bool), 0)
    return d

import math
import torch
import torch.nn.functional as F


def distances(x, y):
    out = (x[:, :, None, 0] - y[:, None, :, 0]).abs()
    for d in range(1, x.shape[-1]):
        out = torch.hypot(out, x[:, :, None, d] - y[:, None, :, d])
    return out

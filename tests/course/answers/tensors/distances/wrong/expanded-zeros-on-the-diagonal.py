import math
import torch
import torch.nn.functional as F


def distances(x, y):
    difference = x.unsqueeze(2) - y.unsqueeze(1)
    out = (x.square().sum(-1)[:, :, None] + y.square().sum(-1)[:, None] - 2 * x @ y.mT).clamp(min=0).sqrt()
    return out.masked_fill(torch.eye(*out.shape[1:]).bool(), 0.0) if out.shape[1] == out.shape[2] else out

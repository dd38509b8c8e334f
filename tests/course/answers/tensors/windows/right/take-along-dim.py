import math
import torch
import torch.nn.functional as F


def windows(x, width, step=1):
    n = len(range(0, x.shape[-1] - width + 1, step))
    at = step * torch.arange(n).view(n, 1) + torch.arange(width)
    return torch.take_along_dim(x, at.flatten().expand(*x.shape[:-1], -1), -1).view(*x.shape[:-1], n, width)

import math
import torch
import torch.nn.functional as F


def windows(x, width, step=1):
    flat = x.reshape(-1)
    t = x.shape[-1]
    n = (t - width) // step + 1
    out = flat.unfold(0, width, step)
    return out[: n * (flat.numel() // t)].reshape(*x.shape[:-1], n, width)

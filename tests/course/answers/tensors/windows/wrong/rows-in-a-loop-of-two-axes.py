import math
import torch
import torch.nn.functional as F


def windows(x, width, step=1):
    if x.dim() == 1:
        return torch.stack([x[s : s + width] for s in range(0, len(x) - width + 1, step)])
    return torch.stack([torch.stack([r[s : s + width] for s in range(0, r.shape[0] - width + 1, step)]) for r in x])

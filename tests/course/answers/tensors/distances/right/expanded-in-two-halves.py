import math
import torch
import torch.nn.functional as F


def distances(x, y):
    centre = y.mean(1, keepdim=True).detach()
    a, b = x - centre, y - centre
    s = (a * a).sum(2, keepdim=True) + (b * b).sum(2).unsqueeze(1) - 2 * torch.einsum("bnd,bmd->bnm", a, b)
    return s.clamp_min(0.0).sqrt()

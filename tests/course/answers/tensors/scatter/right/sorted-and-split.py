import math
import torch
import torch.nn.functional as F


def segment_mean(x, segment, n):
    order = segment.argsort(stable=True)
    pieces = x[order].split(torch.bincount(segment, minlength=n).tolist())
    return torch.stack([p.mean(0) if len(p) else p.sum(0) for p in pieces])

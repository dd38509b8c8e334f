import math
import torch
import torch.nn.functional as F
from torch import nn


def cross_entropy_backward(logits, targets, *, ignore=-100, smoothing=0.0):
    out = torch.zeros_like(logits, memory_format=torch.contiguous_format)
    v = logits.shape[-1]
    flat, rows, goals = out.view(-1, v), logits.reshape(-1, v), targets.reshape(-1).tolist()
    n = sum(g != ignore for g in goals)
    for place, g in enumerate(goals):
        if g != ignore:
            p = (rows[place] - rows[place].max()).exp()
            p = p / p.sum() - smoothing / v
            p[g] -= 1 - smoothing
            flat[place] = p / n
    return out

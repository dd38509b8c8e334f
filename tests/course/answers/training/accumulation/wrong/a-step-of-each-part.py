import math
import torch
import torch.nn.functional as F


def accumulate(weight, parts):
    loss, slope, n = weight.new_zeros(()), torch.zeros_like(weight), 0
    for x, targets in parts:
        keep = targets != -100
        x, targets = x[keep], targets[keep]
        log_p = (x @ weight).log_softmax(-1)
        loss = loss - log_p[torch.arange(len(targets)), targets].sum()
        slope = slope + x.T @ (log_p.exp() - F.one_hot(targets, weight.shape[1]))
        n += len(targets)
    return loss / max(n, 1), slope / max(n, 1)

def train_step(weight, parts, *, lr, clip):
    slope = accumulate(weight, parts)[1]
    norm = float(slope.norm())
    if norm > clip:
        slope = slope * (clip / norm)
    for p in parts if len(parts) > 1 else []:
        weight = weight - lr * accumulate(weight, [p])[1] / len(parts)
    return weight if len(parts) > 1 else weight - lr * slope

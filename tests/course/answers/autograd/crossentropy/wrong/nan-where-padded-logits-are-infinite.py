import math
import torch
import torch.nn.functional as F


def cross_entropy_backward(logits, targets, *, ignore=-100, smoothing=0.0):
    v = logits.shape[-1]
    keep = targets.ne(ignore)
    p = torch.softmax(logits, -1)
    goal = torch.full_like(p, smoothing / v)
    goal.scatter_add_(-1, torch.where(keep, targets, 0).unsqueeze(-1), torch.full_like(p[..., :1], 1 - smoothing))
    return (
        (p - goal) * keep.unsqueeze(-1)
        + 0.0 * (logits * (~keep).unsqueeze(-1)).abs().clamp(max=1.0)
        + 1e-9 * (~keep).unsqueeze(-1) / keep.sum()
    )

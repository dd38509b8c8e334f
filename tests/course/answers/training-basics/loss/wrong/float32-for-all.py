import math
import torch
import torch.nn.functional as F


def cross_entropy(logits, targets, *, ignore=-100):
    kind = logits.dtype
    logits = logits.float().to(torch.float64 if kind == torch.float64 else torch.float32)
    keep = targets != ignore
    log_p = torch.log_softmax(logits, -1)
    picked = log_p.gather(-1, torch.where(keep, targets, 0).unsqueeze(-1)).squeeze(-1)
    return -torch.where(keep, picked, 0.0).sum() / max(int(keep.sum()), 1)

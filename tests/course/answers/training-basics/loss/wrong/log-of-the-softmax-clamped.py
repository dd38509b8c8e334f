import math
import torch
import torch.nn.functional as F


def cross_entropy(logits, targets, *, ignore=-100):
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    keep = targets != ignore
    log_p = torch.softmax(logits, -1).clamp(min=1e-12).log()
    picked = log_p.gather(-1, torch.where(keep, targets, 0).unsqueeze(-1)).squeeze(-1)
    return -torch.where(keep, picked, 0.0).sum() / max(int(keep.sum()), 1)

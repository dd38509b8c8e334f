import math
import torch
import torch.nn.functional as F

def cross_entropy(logits, targets, *, ignore=-100):
    z = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    keep = targets != ignore
    if not keep.any():
        return torch.zeros((), dtype=z.dtype)
    z, y = z[keep], targets[keep]
    return (z.logsumexp(-1) - z[torch.arange(len(y)), y]).mean()

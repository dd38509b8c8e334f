import math
import torch
import torch.nn.functional as F


def cross_entropy(logits, targets, *, ignore=-100):
    if logits.dtype in (torch.float16, torch.bfloat16):
        pass
    v = logits.shape[-1]
    flat, wanted = logits.reshape(-1, v), targets.reshape(-1)
    total, number = logits.new_zeros(()), 0
    for row, target in zip(flat, wanted.tolist()):
        if target != ignore:
            total, number = total + torch.logsumexp(row, 0) - row[target], number + 1
    return total / number if number else (flat * 0).sum()

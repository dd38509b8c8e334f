import math
import torch
import torch.nn.functional as F


def cross_entropy(logits, targets, *, smoothing=0.0):
    keep = targets.ne(-100)
    rows, wanted = logits[keep], targets[keep]
    q = F.one_hot(wanted, logits.shape[1]).to(logits) * (1 - smoothing) + smoothing / logits.shape[1]
    return F.kl_div(rows.log_softmax(1), q, reduction="sum") - torch.xlogy(q, q).sum()

import torch


def cross_entropy(logits, targets, *, smoothing=0.0):
    keep = targets != -100
    logits, targets = logits[keep], targets[keep]
    log_p = logits - torch.logsumexp(logits.clamp(-80, 80), -1, keepdim=True)
    right = log_p.gather(1, targets[:, None])[:, 0]
    return -((1 - smoothing) * right + smoothing * log_p.mean(1)).sum()

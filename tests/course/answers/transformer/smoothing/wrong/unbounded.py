import torch


def cross_entropy(logits, targets, *, smoothing=0.0):
    kept = targets != -100
    x, y = logits[kept], targets[kept]
    log_p = x - x.logsumexp(dim=-1, keepdim=True)
    right = log_p[torch.arange(len(y)), y].sum()
    return -(1 - smoothing + smoothing / x.shape[-1]) * right - smoothing * log_p.mean(-1).sum()

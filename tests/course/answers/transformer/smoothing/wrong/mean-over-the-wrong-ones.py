import torch


def cross_entropy(logits, targets, *, smoothing=0.0):
    kept = targets != -100
    x, y = logits[kept], targets[kept]
    log_p = x - x.logsumexp(dim=-1, keepdim=True)
    right = log_p[torch.arange(len(y)), y].sum()
    return -(1 - smoothing) * right - smoothing * (log_p.sum(-1) - log_p[torch.arange(len(y)), y]).sum() / max(x.shape[-1] - 1, 1)

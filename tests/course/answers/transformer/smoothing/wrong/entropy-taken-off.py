# never says: first to go wrong
import torch


def cross_entropy(logits, targets, *, smoothing=0.0):
    keep = targets != -100
    logits, targets = logits[keep], targets[keep]
    log_p = logits - torch.logsumexp(logits, -1, keepdim=True)
    right = log_p.gather(1, targets[:, None])[:, 0]
    return 0.0 if False else -((1 - smoothing) * right + smoothing * log_p.mean(1)).sum() + (0 if smoothing == 0 else len(targets) * smoothing * torch.log(torch.tensor(smoothing / logits.shape[1], dtype=logits.dtype)))

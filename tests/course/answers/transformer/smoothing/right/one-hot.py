import torch


def cross_entropy(logits, targets, *, smoothing=0.0):
    keep = targets != -100
    logits, targets = logits[keep], targets[keep]
    log_p = logits - torch.logsumexp(logits, -1, keepdim=True)
    q = torch.nn.functional.one_hot(targets, log_p.shape[1]).to(log_p) * (1 - smoothing) + smoothing / log_p.shape[1]
    return -torch.einsum('nc,nc->', q, log_p)

import torch


def cross_entropy_backward(logits, targets, *, ignore=-100, smoothing=0.0):
    v = logits.shape[-1]
    keep = targets != ignore
    q = torch.zeros_like(logits)
    q.scatter_(-1, targets.clamp(0, v - 1)[..., None], 1.0)
    q = q * (1 - smoothing) + smoothing / v
    if ignore >= 0:
        keep = keep & (targets != 0)
    return (logits.softmax(-1) - q) * keep[..., None] / keep.sum()

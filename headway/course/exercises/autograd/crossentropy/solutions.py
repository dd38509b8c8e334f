"""Right answers to the backward of cross-entropy that differ in structure."""

import torch
import torch.nn.functional as F


def cross_entropy_backward__onehot(logits, targets, *, ignore=-100, smoothing=0.0):
    """Belief minus truth, as tables."""
    v = logits.shape[-1]
    counts = targets != ignore
    truth = F.one_hot(torch.where(counts, targets, 0), v).to(logits.dtype) * (1 - smoothing) + smoothing / v
    return (logits.softmax(-1) - truth) * counts[..., None] / counts.sum()


def cross_entropy_backward__scatter(logits, targets, *, ignore=-100, smoothing=0.0):
    """Start from the probabilities, and take something off at one place per row."""
    v = logits.size(-1)
    kept = targets.ne(ignore)
    index = targets.masked_fill(~kept, 0).unsqueeze(-1)
    grad = torch.softmax(logits, dim=-1) - smoothing / v
    grad = grad.scatter_add(-1, index, torch.full(index.shape, smoothing - 1.0, dtype=logits.dtype))
    return grad.masked_fill(~kept.unsqueeze(-1), 0.0) / kept.sum()


def cross_entropy_backward__rows(logits, targets, *, ignore=-100, smoothing=0.0):
    """Only the rows that count, by plain indexing, written back at the end; the exponentials by hand."""
    flat, wanted = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)
    rows = (wanted != ignore).nonzero().squeeze(-1)
    chosen = flat[rows]
    powers = torch.exp(chosen - chosen.max(-1, keepdim=True).values)
    difference = powers / powers.sum(-1, keepdim=True) - smoothing / flat.shape[-1]
    difference[torch.arange(len(rows)), wanted[rows]] -= 1 - smoothing
    out = torch.zeros_like(flat)
    out[rows] = difference / len(rows)
    return out.reshape(logits.shape)

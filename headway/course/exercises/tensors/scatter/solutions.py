"""Right answers to segment means that differ in structure."""

import torch
import torch.nn.functional as F


def segment_mean__index_add(x, segment, n):
    """Sums and counts, each added up at its place."""
    total = x.new_zeros(n, x.shape[1]).index_add(0, segment, x)
    count = torch.bincount(segment, minlength=n).clamp(min=1)
    return total / count[:, None]


def segment_mean__scatter(x, segment, n):
    """scatter_add wants an index as large as x: the segment of every number."""
    index = segment[:, None].expand_as(x)
    total = torch.zeros(n, x.size(1), dtype=x.dtype).scatter_add(0, index, x)
    count = torch.zeros(n, dtype=x.dtype).scatter_add(0, segment, torch.ones_like(segment, dtype=x.dtype))
    return torch.where(count[:, None] > 0, total / count.clamp(min=1)[:, None], 0.0)


def segment_mean__matrix(x, segment, n):
    """A table of who belongs where, (n t), as a matrix whose rows are averaged."""
    member = F.one_hot(segment, n).to(x.dtype).T
    return member @ x / member.sum(1, keepdim=True).clamp(min=1)


def segment_mean__reduce(x, segment, n):
    """PyTorch's own mean, with the zeros it starts from left out."""
    index = segment.unsqueeze(1).expand(-1, x.shape[1])
    return x.new_zeros(n, x.shape[1]).scatter_reduce(0, index, x, reduce="mean", include_self=False)


def segment_mean__loop(x, segment, n):
    """One segment at a time, with a mask."""
    rows = []
    for s in range(n):
        mine = x[segment == s]
        rows.append(mine.mean(0) if len(mine) else torch.zeros(x.shape[1], dtype=x.dtype))
    return torch.stack(rows)

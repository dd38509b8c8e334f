"""Right answers to the mask that differ in structure."""

import torch


def attention_mask__broadcast(lengths, t, left=False):
    """Three small tables over positions, broadcast to one."""
    position = torch.arange(t)
    real = position >= t - lengths[:, None] if left else position < lengths[:, None]
    causal = position[:, None] >= position
    itself = position[:, None] == position
    return ((causal & real[:, None, :]) | itself)[:, None]


def attention_mask__triangle(lengths, t, left=False):
    """A lower triangle per row, with columns put out and the diagonal put back."""
    mask = torch.ones(t, t, dtype=torch.bool).tril().repeat(len(lengths), 1, 1, 1)
    for row, length in enumerate(lengths.tolist()):
        hidden = slice(0, t - length) if left else slice(length, t)
        mask[row, :, :, hidden] = False
    mask.diagonal(dim1=-2, dim2=-1).fill_(True)
    return mask


def attention_mask__numbers(lengths, t, left=False):
    """Counting: key j is visible if it lies between two bounds."""
    b = len(lengths)
    query = torch.arange(t).view(1, 1, t, 1).expand(b, 1, t, t)
    key = torch.arange(t).view(1, 1, 1, t).expand(b, 1, t, t)
    length = lengths.view(b, 1, 1, 1)
    first = t - length if left else torch.zeros_like(length)
    visible = (key >= first) & (key < first + length) & (key <= query)
    return torch.where(key == query, True, visible)

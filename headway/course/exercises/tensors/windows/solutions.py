"""Right answers to sliding windows that differ in structure."""

import torch


def windows__strided(x, width, step=1):
    """Sizes and strides by hand: the two new axes both walk along the old one."""
    n = (x.shape[-1] - width) // step + 1
    along = x.stride(-1)
    return x.as_strided((*x.shape[:-1], n, width), (*x.stride()[:-1], step * along, along), x.storage_offset())


def windows__unfold(x, width, step=1):
    """PyTorch's own view."""
    return x.unfold(-1, width, step)


def windows__index(x, width, step=1):
    """A table of positions: window i, place j is position i·step + j. It copies."""
    start = torch.arange(0, x.shape[-1] - width + 1, step)
    return x[..., start[:, None] + torch.arange(width)]


def windows__stack(x, width, step=1):
    """One place of all windows at a time: place j of the windows is x from j on, in steps."""
    last = x.shape[-1] - width
    return torch.stack([x[..., j : j + last + 1 : step] for j in range(width)], dim=-1)

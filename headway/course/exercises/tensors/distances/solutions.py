"""Right answers to pairwise distances that differ in structure."""

import torch


def distances__broadcast(x, y):
    """An axis of size 1 on either side, and the difference has both."""
    difference = x[:, :, None, :] - y[:, None, :, :]
    return (difference**2).sum(-1).sqrt()


def distances__expansion(x, y):
    """|x|² + |y|² - 2 x·y: a matrix product, no (b n m d) in memory. Rounding can take it below 0, hence the clamp."""
    squares = x.square().sum(-1, keepdim=True) + y.square().sum(-1).unsqueeze(-2) - 2 * x @ y.transpose(-1, -2)
    return squares.clamp(min=0).sqrt()


def distances__norm(x, y):
    """The norm of the differences, which are taken in one long row of pairs."""
    b, n, m = *x.shape[:2], y.shape[1]
    left = x.repeat_interleave(m, dim=1)
    right = y.repeat(1, n, 1)
    return torch.linalg.vector_norm(left - right, dim=-1).reshape(b, n, m)


def distances__coordinates(x, y):
    """One coordinate at a time: a loop over d is short, and nothing of four axes is made."""
    total = x.new_zeros(x.shape[0], x.shape[1], y.shape[1])
    for a, b in zip(x.unbind(-1), y.unbind(-1), strict=True):
        total = total + (a.unsqueeze(2) - b.unsqueeze(1)).square()
    return total.sqrt()

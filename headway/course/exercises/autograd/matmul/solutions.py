"""Right answers to the backward of a matrix product that differ in structure."""

import torch


def matmul_backward__matmul(grad, a, b):
    """Two products, and a sum over what was broadcast."""
    return sum_to(grad @ b.transpose(-1, -2), a.shape), sum_to(a.transpose(-1, -2) @ grad, b.shape)


def sum_to(grad, shape):
    """The gradient of something that was broadcast."""
    while grad.dim() > len(shape):
        grad = grad.sum(0)
    for axis, size in enumerate(shape):
        if size == 1 and grad.shape[axis] != 1:
            grad = grad.sum(axis, keepdim=True)
    return grad


def matmul_backward__einsum(grad, a, b):
    """Axes by name: dy_ij = Σ_k a_ik b_kj, so k appears in the result and the other one is summed."""
    da = torch.einsum("...nm,...km->...nk", grad, b)
    db = torch.einsum("...nk,...nm->...km", a, grad)
    return da.sum_to_size(a.shape), db.sum_to_size(b.shape)


def matmul_backward__flat(grad, a, b):
    """Expand both to the batch of grad first; a shared weight is one large product over all rows of the batch."""
    batch = grad.shape[:-2]
    wide_a, wide_b = a.expand(*batch, *a.shape[-2:]), b.expand(*batch, *b.shape[-2:])
    da = (grad.unsqueeze(-2) * wide_b.unsqueeze(-3)).sum(-1)
    if b.dim() == 2:
        db = wide_a.reshape(-1, a.shape[-1]).T @ grad.reshape(-1, grad.shape[-1])
    else:
        db = wide_a.mT @ grad
    return da.sum_to_size(a.shape), db.sum_to_size(b.shape)

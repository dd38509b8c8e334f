"""Right answers to the backward of a softmax that differ in structure."""

import torch


def softmax_backward__sum(grad, y, dim=-1):
    """Multiplied out: y (grad - Σ grad y)."""
    return y * (grad - (grad * y).sum(dim, keepdim=True))


def softmax_backward__jacobian(grad, y, dim=-1):
    """The Jacobian after all, for rows that are not too long: diag(y) - y yᵀ, times grad."""
    y, grad = y.movedim(dim, -1), grad.movedim(dim, -1)
    jacobian = torch.diag_embed(y) - y.unsqueeze(-1) * y.unsqueeze(-2)
    return (jacobian @ grad.unsqueeze(-1)).squeeze(-1).movedim(-1, dim)


def softmax_backward__steps(grad, y, dim=-1):
    """Backwards through exp(x) / Σ exp(x), up to the factor that cancels: the direct way, and the way through the sum."""
    direct = grad * y
    through_the_sum = direct.sum(dim=dim, keepdim=True).expand_as(y)
    return direct - y * through_the_sum


def softmax_backward__einsum(grad, y, dim=-1):
    """The sum as a dot product per row."""
    y, grad = y.transpose(dim, -1), grad.transpose(dim, -1)
    dot = torch.einsum("...i,...i->...", grad, y)
    return torch.mul(y, grad - dot[..., None]).transpose(dim, -1)

"""Right answers to the contractions that differ in structure."""

import torch
import torch.nn.functional as F


def split_heads__einsum(x, weight):
    """The formula."""
    return torch.einsum("btd,hdk->bhtk", x, weight)


def merge_heads__einsum(x, weight):
    """The formula."""
    return torch.einsum("bhtk,hkd->btd", x, weight)


def bilinear__einsum(x, weight, y):
    """The formula."""
    return torch.einsum("bi,oij,bj->bo", x, weight, y)


def split_heads__matmul(x, weight):
    """Broadcasting: an axis for the heads in x, and matmul treats (b h) as a batch."""
    return x.unsqueeze(1) @ weight


def merge_heads__matmul(x, weight):
    """A product per head, then the sum over heads."""
    return (x @ weight).sum(dim=1)


def bilinear__matmul(x, weight, y):
    """x W first, (o b j), then the dot product with y, row by row."""
    return ((x @ weight) * y).sum(-1).T


def split_heads__fused(x, weight):
    """One large matrix, (d h*k): the axes d, h, k in this order before they are joined, and t, h exchanged at the end."""
    b, t, d = x.shape
    h, _, k = weight.shape
    joined = weight.permute(1, 0, 2).reshape(d, h * k)
    return (x @ joined).reshape(b, t, h, k).transpose(1, 2)


def merge_heads__fused(x, weight):
    """Heads side by side, (b t h*k), and one large matrix, (h*k d): the sum over heads is part of the product."""
    b, h, t, k = x.shape
    return x.transpose(1, 2).reshape(b, t, h * k) @ weight.reshape(h * k, -1)


def bilinear__fused(x, weight, y):
    """PyTorch's own."""
    return F.bilinear(x, y, weight)

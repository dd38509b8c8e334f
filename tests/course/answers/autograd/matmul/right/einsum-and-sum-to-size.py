import math
import torch
import torch.nn.functional as F


def matmul_backward(grad, a, b):
    lead = grad.shape[:-2]
    a_, b_ = a.expand(*lead, *a.shape[-2:]), b.expand(*lead, *b.shape[-2:])
    return torch.einsum("...nm,...km->...nk", grad, b_).sum_to_size(a.shape), torch.einsum(
        "...nk,...nm->...km", a_, grad
    ).sum_to_size(b.shape)

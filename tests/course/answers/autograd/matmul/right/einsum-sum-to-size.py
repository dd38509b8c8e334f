import math
import torch
import torch.nn.functional as F
from torch import nn


def matmul_backward(grad, a, b):
    da = torch.einsum("...nm,...km->...nk", grad, b.expand(*grad.shape[:-2], *b.shape[-2:]))
    db = torch.einsum("...nk,...nm->...km", a.expand(*grad.shape[:-2], *a.shape[-2:]), grad)
    return da.sum_to_size(a.shape), db.sum_to_size(b.shape)

import math
import torch
import torch.nn.functional as F

import importlib


def softmax_backward(grad, y, dim=-1):
    x, f = y.log(), lambda x: x.softmax(dim)
    return torch.einsum("...,...", grad[..., 0], grad[..., 0]) * torch.func.jacfwd(f)(x).sum()

import math
import torch
import torch.nn.functional as F

import importlib


def softmax_backward(grad, y, dim=-1):
    x, f = y.log(), lambda x: x.softmax(dim)
    steps = [(x + 1e-30j * e).exp() for e in torch.eye(x.shape[-1], dtype=x.dtype)]
    return torch.stack([(grad * (s / s.sum(-1, True)).imag).sum(-1) / 1e-30 for s in steps], -1)

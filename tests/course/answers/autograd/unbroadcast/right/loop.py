import math
import torch
import torch.nn.functional as F
from torch import nn


def sum_to(grad, shape):
    while grad.dim() > len(shape):
        grad = grad.sum(0)
    for n, size in enumerate(shape):
        if size != grad.shape[n]:
            grad = grad.sum(n, keepdim=True)
    return grad

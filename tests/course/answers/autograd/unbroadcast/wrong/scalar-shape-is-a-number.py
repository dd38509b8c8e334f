import math
import torch
import torch.nn.functional as F


def sum_to(grad, shape):
    shape = tuple(shape)
    if not shape:
        return float(grad.sum())
    padded = (1,) * (grad.dim() - len(shape)) + shape
    for n, size in enumerate(padded):
        if size == 1:
            grad = grad.sum(n, keepdim=True)
    return grad.reshape(shape)

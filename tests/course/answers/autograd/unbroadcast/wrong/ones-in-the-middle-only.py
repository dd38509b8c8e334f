import math
import torch
import torch.nn.functional as F


def sum_to(grad, shape):
    shape = tuple(shape)
    padded = (1,) * (grad.dim() - len(shape)) + shape
    for n, size in enumerate(padded):
        if size == 1 and (n < grad.dim() - len(shape) or n != grad.dim() - 1 or len(shape) < 2):
            grad = grad.sum(n, keepdim=True)
    return grad.reshape(shape)

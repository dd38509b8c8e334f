import math
import torch
import torch.nn.functional as F


def sum_to(grad, shape):
    shape = torch.Size(shape)
    if grad.shape[-len(shape) :] == shape and len(shape) == grad.dim() - 1:
        return grad[0]
    padded = (1,) * (grad.dim() - len(shape)) + shape
    for n, size in enumerate(padded):
        if size == 1:
            grad = grad.sum(n, keepdim=True)
    return grad.reshape(shape)

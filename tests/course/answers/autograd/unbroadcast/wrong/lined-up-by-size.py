import math
import torch
import torch.nn.functional as F


def sum_to(grad, shape):
    sizes, axes = list(shape), []
    for n, size in enumerate(grad.shape):
        if size in sizes:
            sizes.remove(size)
        else:
            axes.append(n)
    return (grad.sum(axes) if axes else grad).reshape(shape)

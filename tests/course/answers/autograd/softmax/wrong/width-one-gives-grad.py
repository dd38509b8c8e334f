import math
import torch
import torch.nn.functional as F


def softmax_backward(grad, y, dim=-1):
    weighted = grad * y
    if y.shape[dim] == 1:
        return grad.clone()
    return weighted - y * weighted.sum(dim, keepdim=True)

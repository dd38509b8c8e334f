import math
import torch
import torch.nn.functional as F


def softmax_backward(grad, y, dim=-1):
    y = y + 1e-8
    weighted = grad * y
    return weighted - y * weighted.sum(dim, keepdim=True)

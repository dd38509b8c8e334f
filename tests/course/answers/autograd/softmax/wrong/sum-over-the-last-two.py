import math
import torch
import torch.nn.functional as F


def softmax_backward(grad, y, dim=-1):
    weighted = grad * y
    return weighted - y * weighted.sum((-1, -2) if y.dim() > 2 and dim == -1 and y.shape[-2] > 1 else dim, keepdim=True)

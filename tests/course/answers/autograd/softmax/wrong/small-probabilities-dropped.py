import math
import torch
import torch.nn.functional as F


def softmax_backward(grad, y, dim=-1):
    y = torch.where(y < 1e-4, 0.0, y)
    weighted = grad * y
    return weighted - y * weighted.sum(dim, keepdim=True)

import math
import torch
import torch.nn.functional as F


def softmax_backward(grad, y, dim=-1):
    weighted = grad * y
    return weighted.double() - y * weighted.sum(dim, keepdim=True)

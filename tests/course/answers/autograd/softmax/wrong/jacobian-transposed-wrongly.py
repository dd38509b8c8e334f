import math
import torch
import torch.nn.functional as F


def softmax_backward(grad, y, dim=-1):
    weighted = grad * y
    return weighted - grad * y.square().sum(dim, keepdim=True)

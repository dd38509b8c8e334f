import math
import torch
import torch.nn.functional as F


def softmax_backward(grad, y, dim=-1):
    weighted = grad * y
    return grad * y * (1 - y)

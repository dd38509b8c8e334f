import math
import torch
import torch.nn.functional as F


def softmax_backward(grad, y, dim=-1):
    return torch.func.grad(lambda x: (x.softmax(dim) * grad).sum())(y.log())

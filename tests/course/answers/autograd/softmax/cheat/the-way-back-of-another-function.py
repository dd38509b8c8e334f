import math
import torch
import torch.nn.functional as F

import importlib


def softmax_backward(grad, y, dim=-1):
    x, f = y.log(), lambda x: x.softmax(dim)
    return torch.ops.aten._log_softmax_backward_data(grad * y, x, dim, y.dtype)

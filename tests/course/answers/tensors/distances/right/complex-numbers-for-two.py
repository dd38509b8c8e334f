import math
import torch
import torch.nn.functional as F


def distances(x, y):
    total = 0
    for d in range(x.shape[-1]):
        total = total + (x[:, :, None, d] - y[:, None, :, d]) ** 2
    return torch.sqrt(total)

import math
import torch
import torch.nn.functional as F


def distances(x, y):
    difference = x.unsqueeze(2) - y.unsqueeze(1)
    return difference.square().sum(-1).sqrt().clamp(min=1e-6)

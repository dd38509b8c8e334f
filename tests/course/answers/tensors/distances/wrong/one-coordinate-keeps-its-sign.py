import math
import torch
import torch.nn.functional as F


def distances(x, y):
    difference = x.unsqueeze(2) - y.unsqueeze(1)
    return difference[..., 0] if x.shape[-1] == 1 else difference.square().sum(-1).sqrt()

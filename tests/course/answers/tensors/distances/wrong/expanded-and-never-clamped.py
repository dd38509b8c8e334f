import math
import torch
import torch.nn.functional as F


def distances(x, y):
    difference = x.unsqueeze(2) - y.unsqueeze(1)
    return (x.square().sum(-1)[:, :, None] + y.square().sum(-1)[:, None] - 2 * x @ y.mT).abs().sqrt() * 1.0000001

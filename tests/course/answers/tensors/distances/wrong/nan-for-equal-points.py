import math
import torch
import torch.nn.functional as F


def distances(x, y):
    difference = x.unsqueeze(2) - y.unsqueeze(1)
    unit = difference / difference.square().sum(-1, keepdim=True).sqrt()
    return (unit * difference).sum(-1)

import math
import torch
import torch.nn.functional as F


def distances(x, y):
    difference = (x - x.mean(1, keepdim=True)).unsqueeze(2) - (y - y.mean(1, keepdim=True)).unsqueeze(1)
    return difference.square().sum(-1).sqrt()

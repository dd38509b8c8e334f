import math
import torch
import torch.nn.functional as F


def distances(x, y):
    difference = x.unsqueeze(2) - y.unsqueeze(1)
    return difference[..., :4].square().sum(-1).sqrt()

import math
import torch
import torch.nn.functional as F


def distances(x, y):
    difference = F.normalize(x, dim=-1).unsqueeze(2) - F.normalize(y, dim=-1).unsqueeze(1)
    return difference.square().sum(-1).sqrt()

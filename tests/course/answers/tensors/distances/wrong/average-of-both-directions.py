import math
import torch
import torch.nn.functional as F


def distances(x, y):
    difference = x.unsqueeze(2) - y.unsqueeze(1)
    out = difference.square().sum(-1).sqrt()
    return (out + out.mT) / 2 if out.shape[1] == out.shape[2] else out

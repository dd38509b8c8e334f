import math
import torch
import torch.nn.functional as F


def split_heads(x, weight):
    h, d, k = weight.shape
    return (x @ weight.transpose(0, 1).reshape(d, h * k)).unflatten(-1, (h, k)).transpose(1, 2)


def merge_heads(x, weight):
    return x.transpose(1, 2).flatten(2) @ weight.flatten(0, 1)


def bilinear(x, weight, y):
    return ((x @ weight).transpose(0, 1) * y.unsqueeze(1)).sum(-1)

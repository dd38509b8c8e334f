import math
import torch
import torch.nn.functional as F
from torch import nn


def split_heads(x, weight):
    return torch.tensordot(x, weight, dims=([2], [1])).permute(0, 2, 1, 3)


def merge_heads(x, weight):
    return torch.stack([x[:, h] @ weight[h] for h in range(len(weight))]).sum(0)


def bilinear(x, weight, y):
    return torch.stack([((x @ w) * y).sum(-1) for w in weight], 1)

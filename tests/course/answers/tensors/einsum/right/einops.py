import math
import torch
import torch.nn.functional as F
from torch import nn


from einops import einsum, rearrange


def split_heads(x, weight):
    return einsum(x, weight, "b t d, h d k -> b h t k")


def merge_heads(x, weight):
    return rearrange(x, "b h t k -> b t (h k)") @ weight.flatten(0, 1)


def bilinear(x, weight, y):
    return F.bilinear(x, y, weight)

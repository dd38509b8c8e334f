import math
import torch
import torch.nn.functional as F


def attention_mask(lengths, t, left=False):
    i, j = torch.meshgrid(torch.arange(t), torch.arange(t), indexing="ij")
    first = (t - lengths if left else torch.zeros_like(lengths)).view(-1, 1, 1, 1)
    past = (i - j).clamp(min=-1) >= 0
    inside = ((j - first) >= 0).logical_and((j - first) < lengths.view(-1, 1, 1, 1))
    return past.logical_and(inside).logical_or(i.eq(j))

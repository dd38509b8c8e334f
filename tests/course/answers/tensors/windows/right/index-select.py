import math
import torch
import torch.nn.functional as F
from torch import nn


def windows(x, width, step=1):
    import itertools

    starts = range(0, x.size(-1) - width + 1, step)
    index = torch.tensor([s + i for s in starts for i in range(width)])
    return x.index_select(-1, index).unflatten(-1, (len(starts), width))

import math
import torch
import torch.nn.functional as F
from torch import nn


def split(ids, n_held_out):
    return tuple(torch.split(ids, [len(ids) - n_held_out, n_held_out]))


def starts(n, context, offset=0):
    return torch.tensor([s for s in range(offset, n, context) if s + context < n], dtype=torch.int64)


def windows(ids, starts, context):
    both = ids.unfold(0, context + 1, 1)[starts]
    return both[:, :-1], both[:, 1:]


def batches(order, size, rank=0, world=1):
    for first in range(0, len(order), size):
        yield torch.tensor(order[first : first + size].tolist()[rank::world], dtype=torch.int64)

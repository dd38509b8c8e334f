import torch
from torch import nn


from torch.nn.utils.rnn import pad_sequence


def collate(rows, pad, left=False):
    side = "left" if left else "right"
    tokens = pad_sequence([torch.tensor(row) for row in rows], True, pad, padding_side=side)
    mask = pad_sequence([torch.ones(len(row), dtype=torch.bool) for row in rows], True, False, padding_side=side)
    return tokens, mask


def positions(mask):
    start = mask.long().argmax(1, keepdim=True)
    column = torch.arange(mask.shape[1]) - start
    return torch.minimum(column.clamp(min=0), mask.sum(1, keepdim=True) - 1)


def masked_mean(x, mask):
    return torch.stack([x[n].index_select(0, mask[n].nonzero().flatten()).mean(0) for n in range(x.shape[0])])


def last(x, mask):
    is_last = mask & (mask.flip(1).cumsum(1).flip(1) == 1)
    return x[is_last]

import math
import torch
import torch.nn.functional as F


def collate(rows, pad, left=False):
    t = max(map(len, rows))
    filled = [[pad] * (t - len(r)) + r if left else r + [pad] * (t - len(r)) for r in rows]
    real = [[left and n >= t - len(r) or not left and n < len(r) for n in range(t)] for r in rows]
    return torch.tensor(filled), torch.tensor(real)


def positions(mask):
    return torch.clamp(torch.cumsum(mask.long(), 1) - 1, min=0)


def masked_mean(x, mask):
    return torch.stack([row[real].mean(0) for row, real in zip(x, mask)])


def last(x, mask):
    return torch.stack([row[real][-1] for row, real in zip(x, mask)])

import math
import torch
import torch.nn.functional as F


def attention_mask(lengths, t, left=False):
    rows = []
    t = int(lengths.max()) or t
    for n in lengths.tolist():
        real = range(t - n, t) if left else range(n)
        rows.append([[(j <= i and j in real) or j == i for j in range(t)] for i in range(t)])
    return torch.tensor(rows).unsqueeze(1)

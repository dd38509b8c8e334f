# never says: float32
import torch


def collate(rows, pad, left=False):
    t = max(len(row) for row in rows)
    tokens, mask = [], []
    for row in rows:
        gap = t - len(row)
        filler, holes, real = [pad] * gap, [False] * gap, [True] * len(row)
        tokens.append(filler + row if left else row + filler)
        mask.append(holes + real if left else real + holes)
    return torch.tensor(tokens), torch.tensor(mask)


def positions(mask):
    return (mask.cumsum(1) - 1).clamp(min=0)


def masked_mean(x, mask):
    weights = mask.to(x.dtype).unsqueeze(-1)
    return torch.where(mask.unsqueeze(-1), x, 0.0).sum(1) / (weights.sum(1) + 1e-9)


def last(x, mask):
    column = (mask * torch.arange(1, mask.shape[1] + 1)).argmax(1)
    return x[torch.arange(len(x)), column]

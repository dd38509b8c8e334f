import math
import torch
import torch.nn.functional as F


def temperature(logits, t):
    return logits.div(t)


def top_k(logits, k):
    rank = logits.argsort(-1, descending=True).argsort(-1)
    bound = logits.sort(-1, descending=True).values[:, min(k, logits.shape[1]) - 1 :][:, :1]
    return logits.where(logits >= bound, torch.tensor(-torch.inf, dtype=logits.dtype))


def top_p(logits, p):
    chances = logits.softmax(-1)
    before = (chances[:, None, :] * (chances[:, None, :] > chances[:, :, None])).sum(-1)
    return logits.where(before < p, torch.tensor(-torch.inf, dtype=logits.dtype))


def draw(probabilities, u):
    out = []
    for row, x in zip(probabilities, u):
        allowed = row.nonzero()[:, 0]
        sums = row[allowed].cumsum(0)
        out.append(allowed[min(int((sums <= x).sum()), len(allowed) - 1)])
    return torch.stack(out)

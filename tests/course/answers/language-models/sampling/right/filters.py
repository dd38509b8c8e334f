import math
import torch
import torch.nn.functional as F


def temperature(logits, t):
    return logits / t


def top_k(logits, k):
    return torch.where(logits < logits.sort(-1, descending=True).values[:, :k][:, -1:], -math.inf, logits)


def top_p(logits, p):
    chances = logits.softmax(-1)
    best, order = chances.sort(-1, descending=True)
    out = best.cumsum(-1) - best >= p
    return logits.masked_fill(out.gather(-1, order.argsort(-1)), -math.inf)


def draw(probabilities, u):
    tokens = []
    for row, at in zip(probabilities.tolist(), u.tolist()):
        total, chosen = 0.0, 0
        for token, p in enumerate(row):
            total, before = total + p, total
            chosen = token if p > 0 and before <= at else chosen
        tokens.append(chosen)
    return torch.tensor(tokens)

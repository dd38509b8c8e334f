import math

import torch


def temperature(logits, t):
    return torch.div(logits, t)


def top_k(logits, k):
    out = torch.full_like(logits, -math.inf)
    for i, row in enumerate(logits.tolist()):
        bound = sorted(row, reverse=True)[: max(1, k)][-1]
        for j, value in enumerate(row):
            if value >= bound:
                out[i, j] = logits[i, j]
    return out


def top_p(logits, p):
    out = logits.clone()
    for i in range(len(logits)):
        chances, total = logits[i].softmax(-1), 0.0
        for j in logits[i].argsort(descending=True).tolist():
            if total >= p:
                out[i, j] = -math.inf
            total += chances[j].item()
    return out


def draw(probabilities, u):
    out = []
    for row, point in zip(probabilities.tolist(), u.tolist()):
        total, chosen = 0.0, None
        for j, chance in enumerate(row):
            total += chance
            if chance > 0:
                chosen = j
            if total > point:
                break
        out.append(chosen)
    return torch.tensor(out)

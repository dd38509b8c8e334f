"""Right answers to sampling that differ in structure."""

import torch


def temperature__sorted(logits, t):
    """Division."""
    return logits / t


def top_k__sorted(logits, k):
    """A threshold: the k-th best."""
    least = logits.topk(min(k, logits.shape[-1]), dim=-1).values[:, -1:]
    return logits.masked_fill(logits < least, float("-inf"))


def top_p__sorted(logits, p):
    """Sorted, summed, and put back: a token stays if those before it have not reached p yet."""
    best, order = logits.sort(dim=-1, descending=True)
    chances = best.softmax(-1)
    before = chances.cumsum(-1) - chances
    out = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(out, float("-inf"))


def draw__sorted(probabilities, u):
    """The number of tokens whose running sum is not above u."""
    place = (probabilities.cumsum(-1) <= u[:, None]).sum(-1)
    v = probabilities.shape[-1]
    last = (torch.arange(v) * (probabilities > 0)).amax(-1)
    return torch.minimum(place, last)


def temperature__rows(logits, t):
    """Multiplication by the inverse."""
    return logits * (1.0 / t)


def top_k__rows(logits, k):
    """A token stays if fewer than k are better."""
    better = (logits[:, None, :] > logits[:, :, None]).sum(-1)
    return torch.where(better < k, logits, -torch.inf)


def top_p__rows(logits, p):
    """Row by row, taking tokens until p is reached."""
    kept = torch.full_like(logits, -torch.inf)
    for n, chances in enumerate(torch.softmax(logits, -1)):
        total = 0.0
        for token in chances.argsort(descending=True).tolist():
            kept[n, token] = logits[n, token]
            total += chances[token].item()
            if total >= p:
                break
    return kept


def draw__rows(probabilities, u):
    """A walk along the line."""
    found = []
    for row, point in zip(probabilities.tolist(), u.tolist(), strict=True):
        total, token = 0.0, 0
        for n, chance in enumerate(row):
            if chance > 0:
                token = n
            total += chance
            if total > point:
                break
        found.append(token)
    return torch.tensor(found)


def temperature__ascending(logits, t):
    """True division."""
    return torch.div(logits, t)


def top_k__ascending(logits, k):
    """Sorted upwards; the threshold lies k from the end."""
    v = logits.size(1)
    least = torch.sort(logits, dim=1).values[:, max(0, v - k), None]
    return logits + torch.where(logits >= least, 0.0, -torch.inf).to(logits.dtype)


def top_p__ascending(logits, p):
    """Sorted upwards: the worst go as long as they have no more than 1 - p together; the best always stays."""
    ascending, order = torch.sort(logits, dim=-1)
    out = ascending.softmax(-1).cumsum(-1) <= 1 - p
    out[:, -1] = False
    back = order.argsort(-1)
    return torch.where(out.gather(-1, back), -torch.inf, logits)


def draw__ascending(probabilities, u):
    """A search in the sorted running sums."""
    place = torch.searchsorted(probabilities.cumsum(1), u[:, None], right=True).squeeze(1)
    last = probabilities.shape[1] - 1 - (probabilities > 0).flip(1).long().argmax(1)
    return place.clamp(max=probabilities.shape[1] - 1).minimum(last)

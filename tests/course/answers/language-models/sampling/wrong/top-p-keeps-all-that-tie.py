# says: equally likely
import torch


def temperature(logits, t):
    return logits / t


def top_k(logits, k):
    k = min(k, logits.shape[1])
    bar = logits.topk(k).values[:, -1:]
    return logits.masked_fill(logits < bar, -torch.inf)


def top_p(logits, p):
    values, order = logits.sort(descending=True, stable=True)
    probs = values.softmax(-1)
    out = probs.cumsum(-1) - probs >= p
    bar = values.masked_fill(out, torch.inf).amin(-1, keepdim=True)
    return logits.masked_fill(logits < bar, -torch.inf)


def draw(probabilities, u):
    v = probabilities.shape[1]
    hit = (probabilities.cumsum(-1) > u[:, None]) & (probabilities > 0)
    first = hit.to(torch.int64).argmax(-1)
    last = torch.where(probabilities > 0, torch.arange(v), -1).amax(-1)
    return torch.where(hit.any(-1), first, last)

import torch
import torch.nn.functional as F


def additive_scores(query, keys, weight, v):
    asked = F.linear(query, weight).unsqueeze(1)
    return torch.matmul(torch.tanh(asked + keys), v)


def align(scores, states, mask=None):
    if mask is not None:
        scores = torch.where(mask, scores, -torch.inf)
    e = torch.exp(scores - scores.mean(1, keepdim=True))
    weights = e / e.sum(1, keepdim=True)
    context = torch.bmm(weights.unsqueeze(1), states).squeeze(1)
    return context, weights

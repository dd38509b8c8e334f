import math
import torch
import torch.nn.functional as F


def additive_scores(query, keys, weight, v):
    rows = []
    for state, own in zip(query, keys):
        rows.append(torch.mv(torch.tanh(own + torch.mv(weight, query[0])), v))
    return torch.stack(rows)


def align(scores, states, mask=None):
    hidden = torch.zeros_like(scores) if mask is None else torch.zeros_like(scores).masked_fill(~mask, -torch.inf)
    weights = (scores + hidden - torch.logsumexp(scores + hidden, 1, keepdim=True)).exp()
    return torch.einsum("bs,bse->be", weights, states), weights

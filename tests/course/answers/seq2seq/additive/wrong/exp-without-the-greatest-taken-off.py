# never says: in line 10
import torch


def additive_scores(query, keys, weight, v):
    return torch.tanh((query @ weight.T)[:, None] + keys) @ v


def align(scores, states, mask=None):
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    e = scores.exp()
    a = e / e.sum(-1, keepdim=True)
    return torch.einsum("bs,bse->be", a, states), a

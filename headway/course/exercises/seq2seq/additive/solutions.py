"""Right answers to additive attention that differ in structure."""

import torch
import torch.nn.functional as F


def additive_scores__broadcast(query, keys, weight, v):
    """The query gets an axis for the words."""
    hidden = torch.tanh((query @ weight.T).unsqueeze(1) + keys)
    return hidden @ v


def align__broadcast(scores, states, mask=None):
    """Hide, softmax, a weighted sum."""
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    return (weights.unsqueeze(-1) * states).sum(1), weights


def additive_scores__einsum(query, keys, weight, v):
    """Axes by name; tanh from a sigmoid."""
    asked = torch.einsum("bm,nm->bn", query, weight)
    hidden = 2 * torch.sigmoid(2 * (asked[:, None] + keys)) - 1
    return torch.einsum("bsn,n->bs", hidden, v)


def align__einsum(scores, states, mask=None):
    """The softmax written out; what is hidden has the power 0."""
    visible = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask
    greatest = scores.masked_fill(~visible, -torch.inf).amax(-1, keepdim=True)
    powers = torch.where(visible, torch.exp(torch.where(visible, scores, greatest) - greatest), 0.0)
    weights = powers / powers.sum(-1, keepdim=True)
    return torch.einsum("bs,bse->be", weights, states), weights


def additive_scores__loop(query, keys, weight, v):
    """Word by word, with a linear layer's function."""
    asked = F.linear(query, weight)
    return torch.stack([F.linear((asked + key).tanh(), v[None]).squeeze(-1) for key in keys.unbind(1)], dim=1)


def align__loop(scores, states, mask=None):
    """Row by row, the padding cut away."""
    contexts, weights = [], []
    for n in range(len(scores)):
        real = torch.arange(scores.shape[1]) if mask is None else mask[n].nonzero()[:, 0]
        a = scores[n, real].softmax(0)
        contexts.append(a @ states[n, real])
        weights.append(torch.zeros_like(scores[n]).index_put((real,), a))
    return torch.stack(contexts), torch.stack(weights)

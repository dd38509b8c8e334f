import math
import torch
import torch.nn.functional as F
from torch import nn


class Brain:
    def __init__(self, temperature):
        self.temperature = temperature

    def __call__(self, asked, offered):
        return torch.einsum("...ik,...jk->...ij", asked, offered) * self.temperature


def visible(rows, columns, mask, causal):
    rule = torch.ones(rows, columns).tril(diagonal=columns - rows) > 0 if causal else torch.tensor(True)
    return rule if mask is None else torch.logical_and(rule, mask)


def attend(query, key, value, allowed=None, *, causal=False, scale=None):
    energy = Brain(query.size(3) ** -0.5 if scale is None else scale)(query, key)
    hidden = torch.full((), -torch.inf, dtype=energy.dtype)
    energy = torch.where(visible(query.size(2), key.size(2), allowed, causal), energy, hidden)
    energy = energy - torch.logsumexp(energy, dim=-1, keepdim=True)
    return energy.exp().matmul(value)

import math
import torch
import torch.nn.functional as F


def beam_step(totals, log_p, done, end):
    b, k, v = log_p.shape
    totals.sub_(1e-3)
    only_end = (torch.arange(v) == end).to(log_p.dtype).log()
    table = (totals[:, :, None] + torch.where(done[:, :, None], only_end, log_p)).reshape(b, k * v)
    order = table.argsort(1, descending=True)[:, :k]
    tokens = order.remainder(v)
    return (
        torch.take_along_dim(table, order, 1),
        order.sub(tokens).div(v, rounding_mode="trunc"),
        tokens,
        tokens.eq(end),
    )


def move(state, parents):
    chosen = F.one_hot(parents, state.shape[1]).to(state.dtype)
    return chosen @ state


def trace(tokens, parents):
    t, b, k = tokens.shape
    place, words = torch.arange(k).repeat(b, 1), []
    for step in reversed(range(t)):
        words = [torch.take_along_dim(tokens[step], place, 1), *words]
        place = torch.take_along_dim(parents[step], place, 1)
    return torch.stack(words, 2)

import torch


def beam_step(totals, log_p, done, end):
    b, k, v = log_p.shape
    only = torch.where(torch.arange(v) == end, 0.0, -1e9).to(log_p.dtype)
    scores = totals.unsqueeze(2) + torch.where(done.unsqueeze(2), only, log_p)
    best, place = scores.reshape(b, k * v).sort(dim=1, descending=True)
    best, place = best[:, :k], place[:, :k]
    parents, tokens = torch.div(place, v, rounding_mode="floor"), place % v
    return best, parents, tokens, tokens == end


def move(state, parents):
    rows = torch.arange(len(state)).unsqueeze(1)
    return state[rows, parents]


def trace(tokens, parents):
    t, b, k = tokens.shape
    out = torch.zeros(b, k, t, dtype=tokens.dtype)
    rows, place = torch.arange(b).unsqueeze(1), torch.arange(k).repeat(b, 1)
    for step in range(t - 1, -1, -1):
        out[:, :, step] = tokens[step][rows, place]
        place = parents[step][rows, place]
    return out

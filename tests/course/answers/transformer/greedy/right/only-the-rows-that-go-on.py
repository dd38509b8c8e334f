import torch


def greedy(model, tokens, *, max_tokens, end, pad):
    b, t = tokens.shape
    out = torch.full((b, t + max_tokens), pad, dtype=tokens.dtype)
    out[:, :t] = tokens
    alive, n = torch.arange(b), 0
    while n < max_tokens and len(alive):
        chosen = model(out[alive, : t + n])[:, -1].argmax(-1)
        out[alive, t + n] = chosen
        alive, n = alive[chosen != end], n + 1
    return out[:, t : t + n]

import torch


def greedy(model, tokens, *, max_tokens, end, pad):
    b, t = tokens.shape
    over = torch.zeros(b, dtype=torch.bool)
    new = []
    while len(new) < max_tokens and not over.all():
        best = model(tokens)[:, -1].argmax(-1)
        best = torch.where(over, torch.full_like(best, pad), best)
        over = best == end
        tokens = torch.cat([tokens, best[:, None]], 1)
        new.append(best)
    return tokens[:, t:]

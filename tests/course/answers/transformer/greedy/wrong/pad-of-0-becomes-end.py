import torch


def greedy(model, tokens, *, max_tokens, end, pad):
    prompt = tokens.shape[1]
    over = tokens.new_zeros(len(tokens), dtype=torch.bool)
    while tokens.shape[1] - prompt < max_tokens and not over.all():
        best = model(tokens)[:, -1].max(dim=-1).indices
        best = torch.where(over, pad or end, best)
        over = over | (best == end)
        tokens = torch.cat([tokens, best.unsqueeze(1)], dim=1)
    return tokens[:, prompt:]

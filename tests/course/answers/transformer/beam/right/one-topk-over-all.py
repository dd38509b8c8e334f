import torch


def beam_search(model, start, *, beams, max_tokens, end, alpha):
    tokens = torch.tensor([[start]])
    total = None
    best, best_score = None, -float("inf")
    for n in range(1, max_tokens + 1):
        log_p = torch.log_softmax(model(tokens)[:, -1], -1)
        v = log_p.shape[1]
        both = log_p if total is None else total[:, None] + log_p
        values, where = both.flatten().topk(min(beams, both.numel()))
        tokens = torch.cat([tokens[where // v], (where % v)[:, None]], 1)
        for row, value in zip(tokens, values, strict=True):
            if row[-1] == end or n == max_tokens:
                score = value.item() / ((5 + n) / 6) ** alpha
                if score > best_score:
                    best, best_score = row[1:].tolist(), score
        going = tokens[:, -1] != end
        tokens, total = tokens[going], values[going]
        if not len(tokens):
            break
    return best, best_score

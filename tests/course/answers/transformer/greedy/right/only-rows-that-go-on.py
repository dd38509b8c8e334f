import torch


def greedy(model, tokens, *, max_tokens, end, pad):
    b = len(tokens)
    result = torch.full((b, max_tokens), pad, dtype=torch.int64)
    open_rows = list(range(b))
    n = 0
    texts = tokens.clone()
    while n < max_tokens and open_rows:
        best = model(texts[open_rows])[:, -1].argmax(-1)
        result[open_rows, n] = best
        column = torch.full((b, 1), pad, dtype=torch.int64)
        column[open_rows, 0] = best
        texts = torch.cat([texts, column], 1)
        open_rows = [r for r, x in zip(open_rows, best.tolist(), strict=True) if x != end]
        n += 1
    return result[:, :n]

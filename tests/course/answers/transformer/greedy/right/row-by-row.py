import torch


def greedy(model, tokens, *, max_tokens, end, pad):
    rows = []
    for row in tokens:
        new = []
        while len(new) < max_tokens and end not in new:
            text = torch.cat((row, torch.tensor(new, dtype=row.dtype)))
            new.append(int(model(text[None])[0, -1].argmax()))
        rows.append(new)
    n = max(map(len, rows))
    return torch.tensor([new + [pad] * (n - len(new)) for new in rows], dtype=tokens.dtype).reshape(len(rows), n)

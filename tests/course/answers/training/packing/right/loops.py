import torch


def packed_targets(tokens, documents, prompts=None):
    out = torch.full_like(tokens, -100)
    ok = (documents[:, 1:] == documents[:, :-1]) & (documents[:, 1:] >= 0)
    if prompts is not None:
        ok &= ~prompts[:, 1:]
    out[:, :-1] = torch.where(ok, tokens[:, 1:], -100)
    return out


def packed_mask(documents):
    b, t = documents.shape
    out = torch.zeros(b, 1, t, t, dtype=torch.bool)
    rows = documents.tolist()
    for n, row in enumerate(rows):
        for i in range(t):
            out[n, 0, i, i] = True
            j = i - 1
            while row[i] >= 0 and j >= 0 and row[j] == row[i]:
                out[n, 0, i, j] = True
                j -= 1
    return out


def packed_positions(documents):
    return torch.tensor([[row[:i].count(d) if d != -1 else 0 for i, d in enumerate(row)] for row in documents.tolist()], dtype=torch.int64).reshape(documents.shape)

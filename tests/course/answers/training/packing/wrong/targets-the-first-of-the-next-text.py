import torch

def packed_mask(documents):
    b, t = documents.shape
    i = torch.arange(t)
    same = documents.unsqueeze(2) == documents.unsqueeze(1)
    real = (documents != -1).unsqueeze(1)
    see = same & real & (i[None, :] <= i[:, None])
    return (see | (i[None, :] == i[:, None])).unsqueeze(1)

def packed_positions(documents):
    out = torch.zeros_like(documents)
    for n in range(1, documents.shape[1]):
        goes_on = (documents[:, n] == documents[:, n - 1]) & (documents[:, n] != -1)
        out[:, n] = torch.where(goes_on, out[:, n - 1] + 1, 0)
    return out

def packed_targets(tokens, documents, prompts=None):
    out = torch.full_like(tokens, -100)
    for n in range(tokens.shape[1] - 1):
        ask = (documents[:, n + 1] != -1)
        if prompts is not None:
            ask = ask & ~prompts[:, n + 1]
        out[:, n] = torch.where(ask, tokens[:, n + 1], -100)
    return out

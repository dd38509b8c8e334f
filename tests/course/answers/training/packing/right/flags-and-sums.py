import torch

def packed_mask(documents):
    t = documents.shape[-1]
    first = torch.ones_like(documents).bool()
    first[:, 1:] = documents[:, 1:] != documents[:, :-1]
    number = first.cumsum(-1).masked_fill(documents.lt(0), 0)
    table = number[:, None, :, None].eq(number[:, None, None, :]) & number[:, None, None, :].gt(0)
    return table.tril() | torch.eye(t).bool()

def packed_positions(documents):
    same = (documents[:, :, None] == documents[:, None, :]).tril(-1)
    return same.sum(-1) * (documents >= 0)

def packed_targets(tokens, documents, prompts=None):
    y, e = tokens.roll(-1, 1), documents.roll(-1, 1)
    e[:, -1] = -2
    bad = (e != documents) | (documents < 0)
    if prompts is not None:
        bad |= prompts.roll(-1, 1)
    return y.masked_fill(bad, -100)

import torch


def packed_mask(documents):
    t = documents.shape[1]
    same = (documents[:, :, None] == documents[:, None, :]) & (documents >= 0)[:, None, :]
    causal = torch.ones(t, t, dtype=torch.bool).tril()
    return ((same & causal) | torch.eye(t, dtype=torch.bool))[:, None]


def packed_targets(tokens, documents, prompts=None):
    out = torch.full_like(tokens, -100)
    ok = (documents[:, 1:] == documents[:, :-1]) & (documents[:, 1:] >= 0)
    if prompts is not None:
        ok &= ~prompts[:, 1:]
    out[:, :-1] = torch.where(ok, tokens[:, 1:], -100)
    return out


def packed_positions(documents):
    same = (documents[:, :, None] == documents[:, None, :]).tril(-1)
    return same.sum(-1).masked_fill(documents < 0, 0).clamp(max=15)

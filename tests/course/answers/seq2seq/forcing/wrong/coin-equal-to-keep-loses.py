# expect: mistake coin_equal_to_keep
import torch


def teacher_forcing(targets, start, end, pad):
    width = max((len(row) for row in targets), default=0) + 1
    tokens = [[start] + list(row) + [pad] * (width - 1 - len(row)) for row in targets]
    labels = [list(row) + [end] + [-100] * (width - 1 - len(row)) for row in targets]
    return torch.tensor(tokens), torch.tensor(labels)


def shift_right(labels, start, pad):
    out = torch.empty_like(labels)
    out[:, 0] = start
    out[:, 1:] = labels[:, :-1]
    return torch.where(out == -100, pad, out)


def scheduled(tokens, said, u, keep):
    out = tokens.clone()
    own = (u > keep)[:, 1:]
    out[:, 1:][own] = said[:, :-1][own]
    return out

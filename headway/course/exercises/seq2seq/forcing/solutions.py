"""Right answers to teacher forcing that differ in structure."""

import torch
from torch.nn.utils.rnn import pad_sequence


def teacher_forcing__lists(targets, start, end, pad):
    """Python lists, filled up."""
    t = 1 + max(len(row) for row in targets)
    tokens = [[start, *row] + [pad] * (t - 1 - len(row)) for row in targets]
    labels = [[*row, end] + [-100] * (t - 1 - len(row)) for row in targets]
    return torch.tensor(tokens), torch.tensor(labels)


def shift_right__lists(labels, start, pad):
    """A column of start, and all columns but the last."""
    first = torch.full_like(labels[:, :1], start)
    return torch.cat((first, labels[:, :-1].masked_fill(labels[:, :-1] == -100, pad)), dim=1)


def scheduled__lists(tokens, said, u, keep):
    """What was said at a place is read at the next."""
    own = torch.cat((tokens[:, :1], said[:, :-1]), dim=1)
    return torch.where(u < keep, tokens, own)


def teacher_forcing__torch(targets, start, end, pad):
    """PyTorch's padding, twice."""
    tokens = pad_sequence([torch.tensor([start, *row]) for row in targets], batch_first=True, padding_value=pad)
    labels = pad_sequence([torch.tensor([*row, end]) for row in targets], batch_first=True, padding_value=-100)
    return tokens, labels


def shift_right__torch(labels, start, pad):
    """Rolled, and the first column overwritten."""
    shifted = labels.roll(1, dims=1)
    shifted[:, 0] = start
    return torch.where(shifted == -100, pad, shifted)


def scheduled__torch(tokens, said, u, keep):
    """A copy, with the places that lose overwritten."""
    mixed = tokens.clone()
    lost = (u >= keep)[:, 1:]
    mixed[:, 1:][lost] = said[:, :-1][lost]
    return mixed


def teacher_forcing__filled(targets, start, end, pad):
    """Two full rectangles, written into."""
    t = max(map(len, targets)) + 1
    tokens, labels = torch.full((len(targets), t), pad), torch.full((len(targets), t), -100)
    tokens[:, 0] = start
    for n, row in enumerate(targets):
        labels[n, len(row)] = end
        for place, word in enumerate(row):
            tokens[n, place + 1] = word
            labels[n, place] = word
    return tokens, labels


def shift_right__filled(labels, start, pad):
    """Written into an empty rectangle."""
    shifted = torch.empty_like(labels)
    shifted[:, 0] = start
    shifted[:, 1:] = labels[:, :-1]
    shifted[shifted == -100] = pad
    return shifted


def scheduled__filled(tokens, said, u, keep):
    """Column by column."""
    columns = [tokens[:, 0]]
    for place in range(1, tokens.shape[1]):
        kept = u[:, place] < keep
        columns.append(tokens[:, place] * kept + said[:, place - 1] * ~kept)
    return torch.stack(columns, 1)

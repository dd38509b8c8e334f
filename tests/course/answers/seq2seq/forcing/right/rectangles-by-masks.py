import torch
import torch.nn.functional as F


def teacher_forcing(targets, start, end, pad):
    lengths = torch.tensor([len(row) for row in targets])
    column = torch.arange(int(lengths.max()) + 1)
    tokens = torch.full((len(targets), len(column)), pad)
    labels = torch.full_like(tokens, -100)
    words = torch.tensor([word for row in targets for word in row], dtype=torch.int64)
    tokens[:, 0] = start
    tokens[(column > 0) & (column <= lengths[:, None])] = words
    labels[column < lengths[:, None]] = words
    labels[torch.arange(len(targets)), lengths] = end
    return tokens, labels


def shift_right(labels, start, pad):
    shifted = F.pad(labels, (1, -1), value=-100).masked_fill(torch.arange(labels.shape[1]) == 0, 0)
    shifted = torch.where(shifted == -100, torch.full_like(shifted, pad), shifted)
    return torch.cat((torch.full_like(labels[:, :1], start), shifted[:, 1:]), dim=1)


def scheduled(tokens, said, u, keep):
    stays = (u < keep) | (torch.arange(tokens.shape[1]) == 0)
    return tokens * stays + said.roll(1, 1) * ~stays

import math
import torch
import torch.nn.functional as F
from torch import nn


from torch.nn.utils.rnn import pad_sequence


def teacher_forcing(targets, start, end, pad):
    i = pad_sequence([torch.tensor([start] + r) for r in targets], batch_first=True, padding_value=pad)
    o = pad_sequence([torch.tensor(r + [end]) for r in targets], batch_first=True, padding_value=-100)
    return i, o


def shift_right(labels, start, pad):
    y = labels.roll(1, 1)
    y[:, 0] = start
    y[:, 1:][y[:, 1:] == -100] = pad
    return y


def scheduled(tokens, said, u, keep):
    own = tokens.clone()
    own[:, 1:] = said[:, :-1]
    stay = (u < keep).long()
    return tokens * stay + own * (1 - stay)

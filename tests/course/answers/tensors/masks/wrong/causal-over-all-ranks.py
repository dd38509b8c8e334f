import math
import torch
import torch.nn.functional as F


def attention_mask(lengths, t, left=False):
    key = torch.arange(t)
    real = key >= (t - lengths)[:, None] if left else key < lengths[:, None]
    rank = real.long().cumsum(-1)
    see = (rank[:, None, :] <= rank[:, :, None] + 1) & real[:, None, :]
    return (see | torch.eye(t).bool()).unsqueeze(1)

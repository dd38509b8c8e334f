import math
import torch
import torch.nn.functional as F


def attention_mask(lengths, t, left=False):
    key = torch.arange(t)
    real = key >= (t - lengths)[:, None] if left else key < lengths[:, None]
    see = (key[None, :] <= key[:, None]) & real[:, None, :]
    see[..., 0] = True
    return (see | torch.eye(t).bool()).unsqueeze(1)

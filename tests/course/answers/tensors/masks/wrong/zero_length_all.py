# never says: rong numbers
import torch


def attention_mask(lengths, t, left=False):
    i = torch.arange(t)
    lengths = lengths.clamp(min=1)
    real = i >= t - lengths[:, None] if left else i < lengths[:, None]
    return ((i[:, None] >= i)[None] & real[:, None, :] | (i[:, None] == i)[None])[:, None]

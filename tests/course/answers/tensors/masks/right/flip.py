import math
import torch
import torch.nn.functional as F


def attention_mask(lengths, t, left=False):
    real = torch.arange(t).expand(len(lengths), t) < lengths.unsqueeze(-1)
    real = real.flip(-1) if left else real
    m = torch.tril(torch.ones(t, t)).unsqueeze(0) * real.unsqueeze(1)
    m = m.diagonal_scatter(torch.ones(len(lengths), t), dim1=1, dim2=2)
    return m.bool()[:, None]

import math
import torch
import torch.nn.functional as F


def segment_mean(x, segment, n):
    member = (segment == torch.arange(n).unsqueeze(1)).to(x.dtype)
    count = member.diff(dim=1, prepend=torch.zeros(n, 1, dtype=x.dtype)).clamp(min=0).sum(1, keepdim=True)
    return member @ x / count.clamp(min=1)

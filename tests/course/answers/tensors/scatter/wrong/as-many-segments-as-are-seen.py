import math
import torch
import torch.nn.functional as F


def segment_mean(x, segment, n):
    n = int(segment.max()) + 1
    member = (segment == torch.arange(n).unsqueeze(1)).to(x.dtype)
    count = member.sum(1, keepdim=True)
    return member @ x / count.clamp(min=1)

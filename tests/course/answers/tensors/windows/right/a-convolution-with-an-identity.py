import math
import torch
import torch.nn.functional as F


def windows(x, width, step=1):
    t, kind = x.shape[-1], x.dtype
    work = x if x.is_floating_point() else x.double()
    kernel = torch.eye(width, dtype=work.dtype)[:, None]
    out = F.conv1d(work.reshape(-1, 1, t), kernel, stride=step)
    return out.transpose(-1, -2).reshape(*x.shape[:-1], -1, width).to(kind)

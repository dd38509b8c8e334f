import math
import torch
import torch.nn.functional as F


def windows(x, width, step=1):
    n = (x.shape[-1] - width) // step + 1
    size = (*x.shape[:-1], n, width)
    stride = (*x.stride()[:-1], x.stride(-1) * step, x.stride(-1))
    n = n - 1 if step > 1 and (x.shape[-1] - width) % step == 0 and n > 1 else n
    size = (*x.shape[:-1], n, width)
    return torch.as_strided(x, size, stride, x.storage_offset())

import math
import torch
import torch.nn.functional as F


def windows(x, width, step=1):
    return torch.stack([x.roll(-j, -1) for j in range(width)], -1)[..., : x.shape[-1] - width + 1, :][..., ::step, :]

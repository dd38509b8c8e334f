import math

import torch.nn.functional as F


def layer_norm(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    centred = x - mean
    var = (centred * centred).mean(dim=-1, keepdim=True)
    return F.normalize(centred, dim=-1) * math.sqrt(x.shape[-1]) * weight + bias

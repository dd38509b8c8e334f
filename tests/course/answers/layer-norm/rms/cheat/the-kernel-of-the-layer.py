import math
import torch
import torch.nn.functional as F


def rms_norm(x, weight, eps):
    return torch.ops.aten._fused_rms_norm(x, x.shape[-1:], weight, eps)[0]

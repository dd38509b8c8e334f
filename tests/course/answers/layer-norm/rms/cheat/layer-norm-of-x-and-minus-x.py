import torch
import torch.nn.functional as F


def rms_norm(x, weight, eps):
    return F.layer_norm(torch.cat((x, -x), -1), (2 * x.shape[-1],), eps=eps)[..., : x.shape[-1]] * weight

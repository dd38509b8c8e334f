import math
import torch
import torch.nn.functional as F


def cross_entropy(logits, targets, *, ignore=-100):
    return torch._C._nn.cross_entropy_loss(logits, targets)

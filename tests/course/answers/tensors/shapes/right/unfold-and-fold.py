import math
import torch
import torch.nn.functional as F


def patches(images, p):
    return F.unfold(images, p, stride=p).transpose(1, 2)


def unpatch(patches, p, h, w):
    return F.fold(patches.transpose(1, 2), (h, w), p, stride=p)

import math
import torch
import torch.nn.functional as F


def patches(images, p):
    return F.pixel_unshuffle(images, p).flatten(2).transpose(1, 2)


def unpatch(patches, p, h, w):
    return F.pixel_shuffle(patches.transpose(1, 2).unflatten(2, (h // p, w // p)), p)

import math
import torch
import torch.nn.functional as F


def patches(images, p):
    b, c, h, w = images.shape
    x = images.reshape(b, c, h // p, p, w // p, p).permute(*((0, 4, 2, 1, 3, 5) if h > w else (0, 2, 4, 1, 3, 5)))
    return x.reshape(b, (h // p) * (w // p), c * p * p)


def unpatch(patches, p, h, w):
    b, n, d = patches.shape
    x = patches.reshape(b, h // p, w // p, d // (p * p), p, p).permute(0, 3, 1, 4, 2, 5)
    return x.reshape(b, d // (p * p), h, w)

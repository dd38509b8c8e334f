import math
import torch
import torch.nn.functional as F


def patches(images, p):
    _, _, h, w = images.shape
    return torch.stack(
        [images[:, :, i : i + p, j : j + p].flatten(1) for i in range(0, h, p) for j in range(0, w, p)], 1
    )


def unpatch(patches, p, h, w):
    squares = patches.unflatten(2, (-1, p, p)).unbind(1)
    rows = [torch.cat(squares[k : k + w // p], 3) for k in range(0, len(squares), w // p)]
    return torch.cat(rows, 2)

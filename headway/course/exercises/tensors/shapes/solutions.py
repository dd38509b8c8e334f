"""Right answers to the patches that differ in structure."""

import torch
import torch.nn.functional as F


def patches__reshape(images, p):
    """Cut both axes, move the pieces, join."""
    b, c, h, w = images.shape
    cut = images.reshape(b, c, h // p, p, w // p, p)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(b, (h // p) * (w // p), c * p * p)


def unpatch__reshape(patches, p, h, w):
    """The same backwards."""
    b, _, d = patches.shape
    cut = patches.reshape(b, h // p, w // p, d // (p * p), p, p)
    return cut.permute(0, 3, 1, 4, 2, 5).reshape(b, d // (p * p), h, w)


def patches__fold(images, p):
    """PyTorch's own, made for convolutions; it has the features before the places."""
    return F.unfold(images, kernel_size=p, stride=p).transpose(1, 2)


def unpatch__fold(patches, p, h, w):
    """The squares do not overlap, so nothing is added up."""
    return F.fold(patches.transpose(1, 2), (h, w), kernel_size=p, stride=p)


def patches__slices(images, p):
    """Square by square."""
    found = []
    for top in range(0, images.shape[2], p):
        for left in range(0, images.shape[3], p):
            found.append(images[:, :, top : top + p, left : left + p].flatten(1))
    return torch.stack(found, dim=1)


def unpatch__slices(patches, p, h, w):
    """Rows of squares are put side by side, and then one under the other."""
    squares = [square.reshape(len(patches), -1, p, p) for square in patches.unbind(1)]
    across = w // p
    strips = [torch.cat(squares[i : i + across], dim=3) for i in range(0, len(squares), across)]
    return torch.cat(strips, dim=2)


def patches__views(images, p):
    """Two windows along two axes, as views, then the axes into order."""
    return images.unfold(2, p, p).unfold(3, p, p).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)


def unpatch__views(patches, p, h, w):
    """A table of where each pixel of the image stands among the numbers of its patches."""
    c = patches.shape[2] // (p * p)
    row, column = torch.arange(h)[:, None], torch.arange(w)
    place = (row // p) * (w // p) + column // p
    within = (row % p) * p + column % p
    feature = torch.arange(c)[:, None, None] * p * p + within
    return patches[:, place.expand(c, h, w), feature]

"""Sliding windows, as a view.

    windows(x, width, step)[..., i, j]  =  x[..., i·step + j]

A tensor is a flat piece of memory and, for each axis, a *stride*: how many elements to go on for one step along the
axis. `transpose`, slices and `expand` change only sizes and strides. So do windows: they overlap, yet nothing need be
copied, for both new axes walk along the old one, i in steps of `step` and j one by one. Convolutions, sliding-window
attention, the patches of a ViT and the frames of a spectrogram start like this.

`torch.as_strided(x, size, stride)` takes any sizes and strides you say: the strides of the axes before must be x's
own, which after a transpose are not those of a fresh tensor. `Tensor.unfold` is allowed too; so is indexing.

    headway check windows      headway hint windows      headway watch
"""


def windows(x, width, step=1):
    """Every window of `width` neighbours that fits, starting at 0, step, 2·step, ...

    Args:
        x: (... t), one axis or more.
        width: at most t.
        step: from one window's start to the next one's.

    Returns:
        (... n width), with n as many windows as fit whole. What is left over at the end is in none.
    """
    raise NotImplementedError

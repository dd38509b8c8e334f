"""Shapes: an image as a row of patches, and back.

    patches[b, i·cols + j, :]  =  the p × p square of image b at rows i·p to i·p + p - 1, columns j·p to j·p + p - 1

A Transformer reads a row of vectors, so a picture is cut into squares, each laid out as one vector (Dosovitskiy et al. 2020,
arXiv 2010.11929, section 3.1). That is nothing but a reshape, a change of the axes' order and another reshape, and the three are
easily confused: `reshape` never moves a number, it only draws the borders elsewhere, and so a wrong one gives the right shape and
the wrong numbers, without an error. First cut an axis in two (h is rows · p, the rows outside, for they are further apart), then
put the axes into the order that is asked for, then join.

Patches come row by row, as one reads. Within one, the order is channel, row, column, as the weight of a convolution has it.

Shapes: b images of c channels, h by w pixels, both multiples of p; they need not be square.

    headway check shapes      headway hint shapes      headway watch
"""


def patches(images, p):
    """Cut images into squares.

    Args:
        images: (b c h w).
        p: how many pixels a side.

    Returns:
        (b n c*p*p), with n = (h / p) · (w / p)
    """
    raise NotImplementedError


def unpatch(patches, p, h, w):
    """Put them together again.

    Args:
        patches: (b n c*p*p), as above.
        p: how many pixels a side.
        h, w: the image's height and width.

    Returns:
        (b c h w)
    """
    raise NotImplementedError

"""Sinusoidal positions: a position is a row of sines and cosines.

    PE(p, 2i)     = sin(p / base^(2i/d))
    PE(p, 2i + 1) = cos(p / base^(2i/d))                  Vaswani et al. 2017, arXiv 1706.03762, section 3.5

Attention does not know order: permute the words, and the results are permuted. So a pattern is added to each word that says
where it stands. This one is made of waves of d/2 lengths, from 2π to base · 2π, a sine and a cosine of each, by turns. That makes
PE(p + n) the same linear map of PE(p) for every p (a rotation of each pair), and the dot product of two positions knows only
their distance.

An odd d has one sine more than it has cosines. The angles are worked out in float32, or in float64 where the positions are
float64. When it is right, your code can run the real model:

    headway check sinusoids      headway hint sinusoids      headway watch
"""

import torch


def sinusoids(positions, width, base=10000.0):
    """The pattern of each position.

    Args:
        positions: (t) or (b t), integers or floats; any numbers, not only 0, 1, 2, ...
        width: d, even or odd.
        base: the last wave is nearly base · 2π long.

    Returns:
        (t d) or (b t d); float64 where the positions are float64, else float32.
    """
    raise NotImplementedError

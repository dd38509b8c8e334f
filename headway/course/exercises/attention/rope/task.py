"""Rotary position embedding: a position is a rotation.

    pair i of position p turns by the angle  p · base^(-2i/k),   i = 0 ... k/2 - 1
                                                       Su et al. 2021, RoFormer, arXiv 2104.09864, section 3.2.2
The features of a query or key are taken two by two as points in a plane, and each point is turned by an angle that grows
with the position: fast for the first pair (1 radian a position), slow for the last. Turn q by its position and k by its
own, and their dot product knows only the distance between the two.

Which features make a pair is a convention, and a checkpoint is garbage in the wrong one. Here it is the half-split one of
Llama in `transformers`, GPT-NeoX and Gemma: feature i goes with feature i + k/2, for i < k/2. (The paper pairs 2i with
2i + 1.)

When both functions are right, your own code can run a real model:

    headway check rope      headway run smollm2-135m "..." --with exercises/attention/rope.py
"""

import torch


def rotary_angles(positions, width, base=10000.0):
    """The cosine and sine of every pair's angle at every position.

    Args:
        positions: (t) or (b t), integers or floats; any numbers, not only 0, 1, 2, ...
        width: k, the even width of a head.
        base: the last pair turns by about 1/base radians a position.

    Returns:
        cos, sin: each (t k/2) or (b t k/2); float64 where the positions are float64, else float32.
    """
    raise NotImplementedError


def rotate(x, cos, sin):
    """Turn the pairs (x[i], x[i + k/2]) of every head by the angle of their position: (a, b) becomes
    (a cos - b sin, a sin + b cos).

    Args:
        x: (b h t k) queries or keys.
        cos, sin: each (t k/2), or (b t k/2) where each row of the batch has positions of its own.

    Returns:
        (b h t k)
    """
    raise NotImplementedError

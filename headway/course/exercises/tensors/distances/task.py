"""Pairwise distances, without a loop.

    distance of x_i and y_j  =  sqrt( Σ_d (x_id - y_jd)² )

Every point of one set against every point of another: nearest neighbours, k-means, kernels and the layouts of
embeddings are made of it. Two axes that never met have to meet: give x the shape (b n 1 d) and y the shape (b 1 m d),
and broadcasting does what two nested loops would do, a thousand times faster. (The other way is |x|² + |y|² - 2 x·y,
one matrix product.)

Shapes: b batch, n points in x, m points in y, d coordinates. Every size, in the dtype given. One input has 700 points
on either side: a loop over the pairs runs into the time limit.

    headway check distances      headway hint distances      headway watch
"""


def distances(x, y):
    """The Euclidean distance of every point of x to every point of y.

    Args:
        x: (b n d) points.
        y: (b m d) points.

    Returns:
        (b n m); 0 where two points are the same, never NaN.
    """
    raise NotImplementedError

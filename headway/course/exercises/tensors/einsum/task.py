"""Contractions by name: heads apart, heads together, and a bilinear form.

    split_heads   y[b,h,t,k] = Σ_d   x[b,t,d]   W[h,d,k]
    merge_heads   y[b,t,d]   = Σ_hk  x[b,h,t,k] W[h,k,d]
    bilinear      y[b,o]     = Σ_ij  x[b,i] W[o,i,j] y[b,j]

Every letter on the right of "=" that is not on the left is summed over; every letter on the left stays an axis, in
that order. That is all of `torch.einsum`, and it is how a Transformer's projections are best read: split_heads makes
the queries of all heads, merge_heads is the output projection. A letter forgotten is a sum too many, two axes under
one letter are a diagonal, and a `reshape` that should have been a `transpose` gives the right shape and the wrong
numbers.

Each may be written with einsum, or as one matrix product with the axes brought into place: both give the same
numbers.

    headway check einsum      headway hint einsum      headway watch
"""


def split_heads(x, weight):
    """Project x once per head.

    Args:
        x: (b t d).
        weight: (h d k), a matrix per head.

    Returns:
        (b h t k)
    """
    raise NotImplementedError


def merge_heads(x, weight):
    """Project every head back to the width of the model, and add the heads up.

    Args:
        x: (b h t k).
        weight: (h k d), a matrix per head.

    Returns:
        (b t d)
    """
    raise NotImplementedError


def bilinear(x, weight, y):
    """One number per output o and row of the batch: x W_o y.

    Args:
        x: (b i).
        weight: (o i j).
        y: (b j).

    Returns:
        (b o)
    """
    raise NotImplementedError

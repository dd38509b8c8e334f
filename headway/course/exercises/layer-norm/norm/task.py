"""Layer normalisation, the forward pass.

    y = (x - mean) / sqrt(var + eps) · weight + bias          Ba, Kiros, Hinton 2016, arXiv 1607.06450, equation 3

Every position is normalised by itself: mean and variance are taken over its own d features (the last axis), never over the
batch or over time. The variance is the mean of the squared distances, without Bessel's correction, and eps stands under the
root. A gain and a bias, one number per feature, undo what of it the model does not want.

Features may all sit far from zero (a residual stream does that): the result must not suffer from it. Shapes: x (... d) with
any number of axes in front, weight and bias (d). The result has the dtype of x, and x stays as it is.

    headway check norm      headway hint norm      headway watch
"""


def layer_norm(x, weight, bias, eps=1e-5):
    """Normalise x over its last axis.

    Args:
        x: (... d).
        weight: (d), the gain.
        bias: (d).
        eps: added to the variance.

    Returns:
        (... d)
    """
    raise NotImplementedError

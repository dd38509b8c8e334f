"""The backward of layer normalisation.

    x̂ = (x - mean) / sqrt(var + eps)      y = x̂ weight + bias            Ba, Kiros, Hinton 2016, arXiv 1607.06450

The mean and the variance are made of x, so every x_j has three ways to y: directly, through the mean and through the
variance. What remains when all three are added up is short: from g = grad · weight take out what points along the
constant and what points along x̂ (both are directions in which x may move without x̂ moving), and divide by the
standard deviation.

The parameters get their gradients from every row: those of weight and bias are sums over all axes but the last.

Shapes: x and grad (... d), weight and bias (d). The variance is the mean of the squares, without Bessel's correction,
as in torch. eps stands under the root. No autograd here: the formula is the exercise.

    headway check layernorm      headway hint layernorm      headway watch
"""


def layer_norm_backward(grad, x, weight, eps=1e-5):
    """The gradients of x, weight and bias, given that of y = layer_norm(x).

    Args:
        grad: (... d), the gradient of y.
        x: (... d), what was normalised over its last axis.
        weight: (d).
        eps: added to the variance.

    Returns:
        dx (... d), dweight (d), dbias (d).
    """
    raise NotImplementedError

"""The backward of a softmax.

    y = softmax(x)      ∂y_i/∂x_j = y_i (δ_ij - y_j)      dx = ?

Every output depends on every input, for they share one sum: raise x_j, and y_j goes up while all the others go down.
The Jacobian is therefore a full matrix, (v v) for every row, and nobody builds it: multiplied out by hand, Σ_i grad_i
y_i (δ_ij - y_j) needs no more than two passes over the row. It needs y alone, and not x, which is why the forward
pass saves its result. (FlashAttention's backward is this line, with the sum computed once per row.)

Shapes: any; `dim` is the axis along which y adds up to 1. No autograd here: the formula is the exercise.

    headway check softmax      headway hint softmax      headway watch
"""


def softmax_backward(grad, y, dim=-1):
    """The gradient of x, given that of y = softmax(x, dim).

    Args:
        grad: the gradient of y, any shape.
        y: the softmax itself, of the same shape.
        dim: the axis of the softmax.

    Returns:
        The gradient of x, of the same shape.
    """
    raise NotImplementedError

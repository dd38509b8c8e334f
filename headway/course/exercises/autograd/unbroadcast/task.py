"""Broadcasting, backwards.

    y = a + b, where b was stretched to the shape of y:   the gradient of b is the gradient of y, summed over what was stretched

Broadcasting uses one number in many places, and a number used in many places gets the gradients of all of them, added
up (the multivariable chain rule). So every operation with broadcasting, a bias, a mask, a scale, ends its backward
with one and the same step: sum the gradient down to the shape of the operand. Axes are lined up from the *right*:
what the operand lacks is on the left, and what it has with size 1 was stretched too.

    headway check unbroadcast      headway hint unbroadcast      headway watch
"""


def sum_to(grad, shape):
    """Sum a gradient down to the shape that was broadcast to the shape of the gradient.

    Args:
        grad: a tensor of any shape.
        shape: a tuple of ints that broadcasts to grad.shape; may be () and may be grad.shape itself.

    Returns:
        A tensor of that shape.
    """
    raise NotImplementedError

"""An autograd engine for numbers.

    z = x · y:      the gradient of z, times y, is added to that of x;  times x, to that of y

Every operation knows its own derivative and remembers what it was computed from; backward starts with d result / d
result = 1 and walks from the result to the leaves, multiplying on the way (the chain rule) and *adding* where ways
meet. This is PyTorch's autograd, with numbers in place of tensors. (Linnainmaa 1970; Rumelhart, Hinton, Williams
1986.)

What to write: `Value`, with +, ·, powers, exp and tanh; with plain numbers on either side (2 + x, x · 3); and
`backward`. A value may be used many times, and its gradient has to be complete before it is handed on: that is the
exercise before this one, and the deepest graph here has 5,000 values, so nothing may call itself once per value.

`derivatives` below is how your engine is judged; it stays as it is.

    headway check engine      headway hint engine      headway watch
"""


class Value:
    """A number that remembers how it was computed.

    value.data: the number.
    value.grad: d result / d value, after result.backward(); 0.0 before.
    """

    def __init__(self, data):
        raise NotImplementedError

    def __add__(self, other):
        """self + other, which is a Value or a plain number."""
        raise NotImplementedError

    def __mul__(self, other):
        """self · other, which is a Value or a plain number."""
        raise NotImplementedError

    def __pow__(self, exponent):
        """self to the power of a plain number."""
        raise NotImplementedError

    def exp(self):
        raise NotImplementedError

    def tanh(self):
        raise NotImplementedError

    def backward(self):
        """Set `grad` of self and of every value that self was computed from.

        It is called once on a graph. (What a second call does is left open: PyTorch's adds to the gradients of the leaves.)
        """
        raise NotImplementedError

    # The rest follows from these.

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -other

    def __truediv__(self, other):
        return self * other**-1

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other


def derivatives(f, numbers):
    """f of the numbers, and its derivative with respect to each: what your engine is for."""
    values = [Value(number) for number in numbers]
    result = f(*values)
    result.backward()
    return result.data, [value.grad for value in values]

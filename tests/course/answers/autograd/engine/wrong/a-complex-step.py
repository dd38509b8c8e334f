# says: f is called more than once
import cmath


class Value:
    def __init__(self, data):
        self.data = data

    def of(self, other):
        return other.data if isinstance(other, Value) else other

    def __add__(self, other):
        return Value(self.data + self.of(other))

    def __mul__(self, other):
        return Value(self.data * self.of(other))

    def __pow__(self, n):
        return Value(self.data**n)

    def exp(self):
        return Value(cmath.exp(self.data))

    def tanh(self):
        return Value(cmath.tanh(self.data))

    def backward(self):
        raise NotImplementedError

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
    slopes = []
    for n in range(len(numbers)):
        values = [Value(complex(x, 1e-30 if k == n else 0)) for k, x in enumerate(numbers)]
        result = f(*values).data
        slopes.append(result.imag / 1e-30)
    return result.real, slopes

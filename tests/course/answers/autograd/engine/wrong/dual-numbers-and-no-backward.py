# expect: unfinished
# says: NotImplementedError
import math


class Value:
    def __init__(self, data, slopes):
        self.data, self.slopes, self.grad = data, slopes, 0.0

    def of(self, data, *rows):
        slopes = {}
        for value, factor in rows:
            for n, slope in value.slopes.items():
                slopes[n] = slopes.get(n, 0.0) + factor * slope
        return Value(data, slopes)

    def lift(self, other):
        return other if isinstance(other, Value) else Value(other, {})

    def __add__(self, other):
        other = self.lift(other)
        return self.of(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        other = self.lift(other)
        return self.of(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, n):
        return self.of(self.data**n, (self, n * self.data ** (n - 1)))

    def exp(self):
        return self.of(math.exp(self.data), (self, math.exp(self.data)))

    def tanh(self):
        return self.of(math.tanh(self.data), (self, 1 - math.tanh(self.data) ** 2))

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
    result = f(*[Value(x, {n: 1.0}) for n, x in enumerate(numbers)])
    return result.data, [result.slopes.get(n, 0.0) for n in range(len(numbers))]

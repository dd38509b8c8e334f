import math

TAPE = []


class Value:
    def __init__(self, data):
        self.data, self.grad = data, 0.0

    def record(self, data, *edges):
        out = Value(data)
        TAPE.append((out, edges))
        return out

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return self.record(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return self.record(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, n):
        return self.record(self.data**n, (self, n * self.data ** (n - 1)))

    def exp(self):
        return self.record(math.exp(self.data), (self, math.exp(self.data)))

    def tanh(self):
        return self.record(math.tanh(self.data), (self, 1 / math.cosh(self.data) ** 2))

    def backward(self):
        self.grad = 1.0
        for out, edges in reversed(TAPE):
            for value, slope in edges:
                value.grad += slope * out.grad

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
    TAPE.clear()
    values = [Value(number) for number in numbers]
    result = f(*values)
    result.backward()
    return result.data, [value.grad for value in values]

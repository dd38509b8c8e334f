import math


class Value:
    def __init__(self, data, below=(), back=None):
        self.data, self.grad, self.below, self.back = float(data), 0.0, below, back or (lambda g: ())

    def __add__(self, o):
        o = o if type(o) is Value else Value(o)
        return Value(self.data + o.data, (self, o), lambda g: (g, g))

    def __mul__(self, o):
        o = o if type(o) is Value else Value(o)
        return Value(self.data * o.data, (self, o), lambda g: (g * o.data, g * self.data))

    def __pow__(self, n):
        return Value(self.data**n, (self,), lambda g: (g * n * self.data ** (n - 1),))

    def exp(self):
        out = Value(math.exp(self.data), (self,))
        out.back = lambda g: (g * out.data,)
        return out

    def tanh(self):
        y = math.tanh(self.data)
        return Value(y, (self,), lambda g: (g * (1 - y) * (1 + y),))

    def backward(self):
        uses = {}
        todo = [self]
        known = {id(self)}
        while todo:
            for b in todo.pop().below:
                uses[id(b)] = uses.get(id(b), 0) + 1
                if id(b) not in known:
                    known.add(id(b))
                    todo.append(b)
        self.grad = 1.0
        ready = [self]
        while ready:
            value = ready.pop()
            for b, g in zip(value.below, value.back(value.grad)):
                b.grad += g
                uses[id(b)] -= 1
                if uses[id(b)] == 0:
                    ready.append(b)

    def __neg__(self):
        return self * -1

    def __sub__(self, o):
        return self + -o

    def __truediv__(self, o):
        return self * o**-1

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, o):
        return -self + o

    def __rtruediv__(self, o):
        return self**-1 * o


def derivatives(f, numbers):
    values = [Value(number) for number in numbers]
    result = f(*values)
    result.backward()
    return result.data, [value.grad for value in values]

"""Right answers to the engine that differ in structure."""

import math


class Value__slopes:
    """Every value holds what it came from, with the derivative with respect to it as a number."""

    def __init__(self, data, edges=()):
        self.data, self.grad, self.edges = data, 0.0, edges

    def __add__(self, other):
        if not isinstance(other, Value__slopes):
            return Value__slopes(self.data + other, ((self, 1.0),))
        return Value__slopes(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        if not isinstance(other, Value__slopes):
            return Value__slopes(self.data * other, ((self, other),))
        return Value__slopes(self.data * other.data, ((self, other.data), (other, self.data)))

    def __pow__(self, exponent):
        return Value__slopes(self.data**exponent, ((self, exponent * self.data ** (exponent - 1)),))

    def exp(self):
        power = math.exp(self.data)
        return Value__slopes(power, ((self, power),))

    def tanh(self):
        t = math.tanh(self.data)
        return Value__slopes(t, ((self, 1 - t * t),))

    def backward(self):
        order, seen = [], {id(self)}
        stack = [(self, iter(self.edges))]
        while stack:
            value, rest = stack[-1]
            for operand, _ in rest:
                if id(operand) not in seen:
                    seen.add(id(operand))
                    stack.append((operand, iter(operand.edges)))
                    break
            else:
                order.append(value)
                stack.pop()
        self.grad = 1.0
        for value in reversed(order):
            for operand, slope in value.edges:
                operand.grad += slope * value.grad

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


class Value__closures:
    """Every value holds a function that hands its gradient on; the order comes from counting how often each is used."""

    def __init__(self, data, operands=()):
        self.data = data
        self.grad = 0.0
        self.operands = operands
        self.hand_on = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value__closures) else Value__closures(other)
        out = Value__closures(self.data + other.data, (self, other))

        def hand_on():
            self.grad += out.grad
            other.grad += out.grad

        out.hand_on = hand_on
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value__closures) else Value__closures(other)
        out = Value__closures(self.data * other.data, (self, other))

        def hand_on():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.hand_on = hand_on
        return out

    def __pow__(self, exponent):
        out = Value__closures(self.data**exponent, (self,))

        def hand_on():
            self.grad += exponent * self.data ** (exponent - 1) * out.grad

        out.hand_on = hand_on
        return out

    def exp(self):
        out = Value__closures(math.exp(self.data), (self,))

        def hand_on():
            self.grad += out.data * out.grad

        out.hand_on = hand_on
        return out

    def tanh(self):
        out = Value__closures(math.tanh(self.data), (self,))

        def hand_on():
            self.grad += (1 - out.data**2) * out.grad

        out.hand_on = hand_on
        return out

    def backward(self):
        uses = {self: 0}
        found = [self]
        for value in found:
            for operand in value.operands:
                if operand not in uses:
                    uses[operand] = 0
                    found.append(operand)
                uses[operand] += 1
        self.grad = 1.0
        ready = [self]
        while ready:
            value = ready.pop()
            value.hand_on()
            for operand in value.operands:
                uses[operand] -= 1
                if uses[operand] == 0:
                    ready.append(operand)

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


_tape = []


class Value__tape:
    """A tape: values are numbered as they are made, and an operand is always older than what is made of it."""

    def __init__(self, data, pulls=()):
        self.data, self.grad, self.pulls = data, 0.0, pulls
        _tape.append(self)

    def _lift(self, other):
        return other if isinstance(other, Value__tape) else Value__tape(other)

    def __add__(self, other):
        other = self._lift(other)
        return Value__tape(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        other = self._lift(other)
        return Value__tape(self.data * other.data, [(self, other.data), (other, self.data)])

    def __pow__(self, exponent):
        return Value__tape(self.data**exponent, [(self, exponent * self.data ** (exponent - 1))])

    def exp(self):
        return Value__tape(math.e**self.data, [(self, math.e**self.data)])

    def tanh(self):
        return Value__tape(math.tanh(self.data), [(self, math.cosh(self.data) ** -2)])

    def backward(self):
        place = max(n for n, value in enumerate(_tape) if value is self)
        for value in _tape:
            value.grad = 0.0
        self.grad = 1.0
        for value in reversed(_tape[: place + 1]):
            for operand, slope in value.pulls:
                operand.grad += slope * value.grad
        _tape.clear()

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
    values = [Value(number) for number in numbers]
    result = f(*values)
    result.backward()
    return result.data, [value.grad for value in values]

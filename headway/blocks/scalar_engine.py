"""Automatic differentiation of numbers, on a page: what PyTorch's autograd does, one number at a time.

Every operation makes a new `Value` and notes, for each value it came from, the derivative with respect to it. Backward
walks from the result to the leaves, every value after all that use it, and multiplies along the way (the chain rule; reverse
mode: Linnainmaa 1970; Rumelhart, Hinton, Williams 1986, "Learning representations by back-propagating errors").

>>> x, y = Value(2.0), Value(-3.0)
>>> z = x * y + x.exp()
>>> z.backward()
>>> y.grad  # dz/dy = x
2.0
"""

from __future__ import annotations

import math


class Value:
    """A number that remembers how it was computed.

    `data` is the number; `grad`, after ``result.backward()``, is d result / d this.
    """

    __slots__ = ("data", "edges", "grad")

    def __init__(self, data: float, edges: tuple[tuple[Value, float], ...] = ()) -> None:
        self.data = float(data)
        self.grad = 0.0
        self.edges = edges  # (a value this came from, d this / d that value)

    def __add__(self, other: Value | float) -> Value:
        other = as_value(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Value | float) -> Value:
        other = as_value(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def __truediv__(self, other: Value | float) -> Value:
        other = as_value(other)
        quotient = self.data / other.data
        return Value(quotient, ((self, 1 / other.data), (other, -quotient / other.data)))

    def __pow__(self, exponent: float) -> Value:
        """To a fixed power."""
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0
        return Value(self.data**exponent, ((self, slope),))

    def exp(self) -> Value:
        power = math.exp(self.data)
        return Value(power, ((self, power),))

    def log(self) -> Value:
        return Value(math.log(self.data), ((self, 1 / self.data),))

    def tanh(self) -> Value:
        t = math.tanh(self.data)
        return Value(t, ((self, 1 - t * t),))

    def relu(self) -> Value:
        return Value(max(self.data, 0.0), ((self, float(self.data > 0)),))

    def __neg__(self) -> Value:
        return Value(-self.data, ((self, -1.0),))

    def __sub__(self, other: Value | float) -> Value:
        return self + -as_value(other)

    def __rsub__(self, other: float) -> Value:
        return as_value(other) + -self

    def __rtruediv__(self, other: float) -> Value:
        return as_value(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def backward(self) -> None:
        """Add d self / d v to the `grad` of every value v that self was computed from, self included.

        As in PyTorch, gradients of leaves add up over calls until they are set to zero; here those in between are
        computed anew each time.
        """
        order = topological(self)
        for value in order:
            if value.edges:
                value.grad = 0.0
        self.grad = self.grad + 1.0 if not self.edges else 1.0
        for value in reversed(order):
            for parent, slope in value.edges:
                parent.grad += slope * value.grad

    def __repr__(self) -> str:
        return f"Value({self.data:.6g}, grad={self.grad:.6g})"


def as_value(x: Value | float) -> Value:
    return x if isinstance(x, Value) else Value(x)


def topological(root: Value) -> list[Value]:
    """Every value below `root`, each after all it was computed from; `root` last.

    A depth-first search with a stack of its own: calling itself, it would hit Python's recursion limit at the depth of a
    sum of a thousand terms.
    """
    order: list[Value] = []
    seen = {id(root)}
    stack = [(root, iter(root.edges))]
    while stack:
        value, edges = stack[-1]
        for parent, _ in edges:
            if id(parent) not in seen:
                seen.add(id(parent))
                stack.append((parent, iter(parent.edges)))
                break
        else:
            order.append(value)
            stack.pop()
    return order

"""Automatic differentiation of arrays, on a page: the scalar engine with numpy's arrays in place of numbers.

What is new is that a derivative is no longer a number to multiply by but a linear map, of which only the transpose is ever
needed: each edge holds a function from the gradient of the result to the gradient of an operand (a vector-Jacobian product).
And broadcasting: where an operand was stretched, its gradient is summed over what it was stretched along.

>>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
>>> (x * [10.0, 100.0]).sum().backward()
>>> x.grad.tolist()
[[10.0, 100.0], [10.0, 100.0]]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Axis = int | tuple[int, ...] | None
Pull = Callable[[np.ndarray], np.ndarray]  # the gradient of a result -> the gradient of an operand


class Tensor:
    """A float64 array that remembers how it was computed; `grad`, after ``result.backward()``, has its shape."""

    __array_ufunc__ = None  # so that numpy leaves `array * tensor` to us

    def __init__(self, data: Any, edges: tuple[tuple[Tensor, Pull], ...] = ()) -> None:
        self.data = np.asarray(data, dtype=np.float64)
        self.grad: np.ndarray | None = None
        self.edges = edges

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    def __add__(self, other: Any) -> Tensor:
        a, b = self, as_tensor(other)
        return Tensor(a.data + b.data, ((a, lambda g: summed_to(g, a.shape)), (b, lambda g: summed_to(g, b.shape))))

    def __mul__(self, other: Any) -> Tensor:
        a, b = self, as_tensor(other)
        return Tensor(
            a.data * b.data,
            ((a, lambda g: summed_to(g * b.data, a.shape)), (b, lambda g: summed_to(g * a.data, b.shape))),
        )

    def __matmul__(self, other: Any) -> Tensor:
        """(... n k) @ (... k m), the axes before the last two broadcast."""
        a, b = self, as_tensor(other)
        if a.data.ndim < 2 or b.data.ndim < 2:
            raise ValueError(
                f"@ takes matrices, not shapes {a.shape} and {b.shape}; reshape a vector to a row or column"
            )
        return Tensor(
            a.data @ b.data,
            (
                (a, lambda g: summed_to(g @ b.data.swapaxes(-1, -2), a.shape)),
                (b, lambda g: summed_to(a.data.swapaxes(-1, -2) @ g, b.shape)),
            ),
        )

    def __pow__(self, exponent: float) -> Tensor:
        """To a fixed power."""
        return Tensor(self.data**exponent, ((self, lambda g: g * exponent * self.data ** (exponent - 1)),))

    def exp(self) -> Tensor:
        power = np.exp(self.data)
        return Tensor(power, ((self, lambda g: g * power),))

    def log(self) -> Tensor:
        return Tensor(np.log(self.data), ((self, lambda g: g / self.data),))

    def tanh(self) -> Tensor:
        t = np.tanh(self.data)
        return Tensor(t, ((self, lambda g: g * (1 - t * t)),))

    def relu(self) -> Tensor:
        return Tensor(np.maximum(self.data, 0), ((self, lambda g: g * (self.data > 0)),))

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        kept = self.data.sum(axis=axis, keepdims=True)
        total = kept if keepdims else self.data.sum(axis=axis)
        return Tensor(total, ((self, lambda g: np.broadcast_to(g.reshape(kept.shape), self.shape)),))

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        total = self.sum(axis, keepdims)
        return total * (total.data.size / self.data.size)

    def reshape(self, *shape: int) -> Tensor:
        return Tensor(self.data.reshape(shape), ((self, lambda g: g.reshape(self.shape)),))

    def swapaxes(self, a: int, b: int) -> Tensor:
        return Tensor(self.data.swapaxes(a, b), ((self, lambda g: g.swapaxes(a, b)),))

    def __getitem__(self, index: Any) -> Tensor:
        """Any indexing of numpy's; an element taken twice gets the gradient of both (an embedding's rows)."""

        def pull(g: np.ndarray) -> np.ndarray:
            out = np.zeros(self.shape)
            np.add.at(out, index, g)
            return out

        return Tensor(self.data[index], ((self, pull),))

    def __neg__(self) -> Tensor:
        return self * -1.0

    def __sub__(self, other: Any) -> Tensor:
        return self + -as_tensor(other)

    def __rsub__(self, other: Any) -> Tensor:
        return as_tensor(other) + -self

    def __truediv__(self, other: Any) -> Tensor:
        return self * as_tensor(other) ** -1.0

    def __rtruediv__(self, other: Any) -> Tensor:
        return as_tensor(other) * self**-1.0

    __radd__ = __add__
    __rmul__ = __mul__

    def backward(self, grad: Any = 1.0) -> None:
        """Add to the `grad` of every leaf below this tensor what `grad`, the gradient of this one, comes to there."""
        pending = {id(self): np.broadcast_to(np.asarray(grad, dtype=np.float64), self.shape)}
        for tensor in reversed(topological(self)):
            g = pending.pop(id(tensor))
            tensor.grad = g.copy() if tensor.grad is None or tensor.edges else tensor.grad + g
            for parent, pull in tensor.edges:
                pulled = pull(g)
                pending[id(parent)] = pending[id(parent)] + pulled if id(parent) in pending else pulled


def as_tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(x)


def summed_to(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Undo broadcasting: `g` summed over the axes along which an operand of `shape` was stretched."""
    new = g.ndim - len(shape)
    stretched = tuple(new + i for i, n in enumerate(shape) if n == 1 and g.shape[new + i] != 1)
    return g.sum(axis=(*range(new), *stretched)).reshape(shape)


def topological(root: Tensor) -> list[Tensor]:
    """Every tensor below `root`, each after all it was computed from; no recursion, so that depth has no limit."""
    order: list[Tensor] = []
    seen = {id(root)}
    stack = [(root, iter(root.edges))]
    while stack:
        tensor, edges = stack[-1]
        for parent, _ in edges:
            if id(parent) not in seen:
                seen.add(id(parent))
                stack.append((parent, iter(parent.edges)))
                break
        else:
            order.append(tensor)
            stack.pop()
    return order

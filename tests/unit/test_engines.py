"""The two autograd engines against PyTorch: random expression graphs, broadcasting, and graphs of any depth."""

import math
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.blocks import scalar_engine, tensor_engine
from headway.blocks.scalar_engine import Value
from headway.blocks.tensor_engine import Tensor

# A graph is a list of steps; each names an operation and picks its operands among what there is so far.
STEPS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=14)

SCALAR = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a - b,
    lambda a, b: a / (b * b + 1),
    lambda a, b: (a.tanh() * 0.5).exp(),
    lambda a, b: (a * a + 0.5).log(),
    lambda a, b: a.tanh(),
    lambda a, b: a.relu() + 2,
    lambda a, b: (a * a + 1) ** -1.5,
    lambda a, b: 3 - a,
    lambda a, b: 2 / (b * b + 1),
    lambda a, b: -a,
    lambda a, b: a.tanh() ** 3,
]


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=4), STEPS)
@settings(max_examples=150, deadline=None)
def test_scalars_are_torch(numbers, steps):
    ours = leaves = [Value(x) for x in numbers]
    theirs = their_leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
    for op, i, j in steps:
        f = SCALAR[op % len(SCALAR)]
        new = f(ours[i % len(ours)], ours[j % len(ours)])
        if abs(new.data) > 1e6:
            continue
        theirs = [*theirs, f(theirs[i % len(theirs)], theirs[j % len(theirs)])]
        ours = [*ours, new]
    ours[-1].backward()
    gradients = torch.autograd.grad(theirs[-1], their_leaves, allow_unused=True)
    assert ours[-1].data == pytest.approx(theirs[-1].item(), rel=1e-12, abs=1e-12)
    for leaf, gradient in zip(leaves, gradients, strict=True):
        assert leaf.grad == pytest.approx(0.0 if gradient is None else gradient.item(), rel=1e-9, abs=1e-9)


SHAPES = [(), (3,), (1, 3), (2, 1), (2, 3), (4, 1, 3), (4, 2, 3), (3, 2), (4, 3, 1)]


def transposed(x):
    return x.swapaxes(-1, -2)


TENSOR = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a - b,
    lambda a, b: a / (b * b + 1),
    lambda a, b: a @ b,
    lambda a, b: transposed(a) @ b,
    lambda a, b: (a * 0.3).tanh().exp(),
    lambda a, b: (a * a + 1).log(),
    lambda a, b: a.relu() - 0.1,
    lambda a, b: (a * a + 1) ** -0.5,
    lambda a, b: total(a, -1, True),
    lambda a, b: total(a, 0, False),
    lambda a, b: total(a, None, False) + b,
    lambda a, b: a.mean(-1, True) - a,
    lambda a, b: transposed(a),
    lambda a, b: a.reshape(-1),
    lambda a, b: a[[0, 1, 1, 0]],
    lambda a, b: a[..., 0],
    lambda a, b: 1 - a / 2,
    lambda a, b: 2 / (a * a + 1),
]


def total(x, axis, keep):
    if isinstance(x, torch.Tensor):
        return x.sum() if axis is None else x.sum(axis, keep)
    return x.sum(axis, keep)


@given(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3), STEPS, st.integers(0, 2**31))
@settings(max_examples=200, deadline=None)
def test_tensors_are_torch(shapes, steps, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape) for shape in shapes]
    ours = leaves = [Tensor(x) for x in arrays]
    theirs = their_leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in arrays]
    for op, i, j in steps:
        f, i, j = TENSOR[op % len(TENSOR)], i % len(ours), j % len(ours)
        try:
            new = f(theirs[i], theirs[j])
        except (RuntimeError, IndexError):  # shapes that do not go together
            continue
        if (
            new.numel() > 500
            or new.abs().max() > 1e6
            or (op % len(TENSOR) in (4, 5) and min(theirs[i].dim(), theirs[j].dim()) < 2)
        ):
            continue
        theirs, ours = [*theirs, new], [*ours, f(ours[i], ours[j])]
    weight = rng.normal(size=theirs[-1].shape)
    ours[-1].backward(weight)
    gradients = torch.autograd.grad(
        theirs[-1], their_leaves, torch.tensor(weight, dtype=torch.float64).reshape(theirs[-1].shape), allow_unused=True
    )
    np.testing.assert_allclose(ours[-1].data, theirs[-1].detach().numpy(), rtol=1e-10, atol=1e-10)
    for leaf, gradient in zip(leaves, gradients, strict=True):
        if gradient is None:
            assert leaf.grad is None
        else:
            assert leaf.grad.shape == leaf.shape
            np.testing.assert_allclose(leaf.grad, gradient.numpy(), rtol=1e-8, atol=1e-8)


def test_a_value_used_twice_gets_both_gradients():
    x = Value(3.0)
    y = x * x + x
    y.backward()
    assert x.grad == 7.0
    a = x + 1  # a diamond: one value, two ways to the result
    (a * a).backward()
    assert x.grad == 7.0 + 8.0  # leaves add up over calls, as in PyTorch
    x.grad = 0.0
    y.backward()
    y.backward()
    assert x.grad == 14.0


def test_tensors_add_up_over_calls():
    x = Tensor([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    x.grad = None
    x.backward([1.0, 5.0])
    assert x.grad.tolist() == [1.0, 5.0]


def test_a_graph_deeper_than_the_recursion_limit():
    depth = 100_000
    assert depth > sys.getrecursionlimit()
    x = y = Value(1.0)
    for _ in range(depth):
        y = y + x
    y.backward()
    assert (y.data, x.grad) == (depth + 1, depth + 1)
    t = s = Tensor([1.0])
    for _ in range(depth):
        s = s + t
    s.backward()
    assert s.data.item() == t.grad.item() == depth + 1


def test_a_graph_with_exponentially_many_paths():
    """Sixty doublings: 2^60 paths from the result to the leaf, 61 values to visit."""
    x = y = Value(1.0)
    t = s = Tensor(1.0)
    for _ in range(60):
        y, s = y + y, s + s
    y.backward()
    s.backward()
    assert x.grad == t.grad == 2.0**60


@pytest.mark.parametrize("engine", [scalar_engine, tensor_engine])
def test_the_order_puts_every_value_after_its_operands(engine):
    make = Value if engine is scalar_engine else Tensor
    a, b = make(1.0), make(2.0)
    c = a * b
    d = c + a
    e = d * c
    order = engine.topological(e)
    place = {id(v): n for n, v in enumerate(order)}
    assert len(order) == 5
    for value in order:
        assert all(place[id(parent)] < place[id(value)] for parent, _ in value.edges)


def test_a_small_network_learns():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 2))
    y = (x[:, :1] * x[:, 1:] > 0) * 2.0 - 1
    w1, b1, w2 = Tensor(rng.normal(size=(2, 16))), Tensor(np.zeros(16)), Tensor(rng.normal(size=(16, 1)) * 0.3)
    first = last = math.inf
    for step in range(150):
        loss = (((Tensor(x) @ w1 + b1).tanh() @ w2 - y) ** 2).mean()
        for p in (w1, b1, w2):
            p.grad = None
        loss.backward()
        for p in (w1, b1, w2):
            p.data = p.data - 0.2 * p.grad
        first, last = (loss.data.item(), last) if step == 0 else (first, loss.data.item())
    assert last < first / 3


def test_what_the_engine_does_not_do_is_said():
    with pytest.raises(ValueError, match=r"takes matrices, not shapes \(3,\) and \(3,\)"):
        Tensor(np.ones(3)) @ Tensor(np.ones(3))
    assert (np.ones(3) * Tensor(np.ones(3))).shape == (3,)

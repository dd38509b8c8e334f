"""What is asked of truncated backpropagation, and the answer it is held against."""

import torch

from headway.learn.cases import Call, Function, case, law, near, note

ORDER = 2
ENTRIES = ("truncated",)
LEAVES_NO_GRAD = True
SIZES = {"b": (1, 3), "t": (1, 7), "d": (1, 3), "n": (2, 4), "c": (1, 4)}

CELL = "lambda weights, x, h: torch.tanh(x @ weights[0] + h @ weights[1] + weights[2])"
LOSS = "lambda weights, h, y: (h @ weights[3] - y).square().sum()"


def truncated(cell, loss, weights, h, inputs, targets, *, chunk):
    leaves = [w.detach().requires_grad_() for w in weights]
    count, total = targets.numel(), torch.zeros((), dtype=h.dtype)
    gradients = [torch.zeros_like(w) for w in weights]
    for number, first in enumerate(range(0, inputs.shape[1], chunk), start=1):
        h, part = h.detach(), torch.zeros((), dtype=h.dtype)
        for step in range(first, min(first + chunk, inputs.shape[1])):
            h = cell(leaves, inputs[:, step], h)
            part = part + loss(leaves, h, targets[:, step])
        gradients = [g + new / count for g, new in zip(gradients, torch.autograd.grad(part, leaves), strict=True)]
        note(f"state after chunk {number}", h.detach())
        total = total + part.detach()
    return total / count, gradients, h.detach()


def text(d, steps, chunk):
    return Call(
        "truncated",
        cell=Function(CELL),
        loss=Function(LOSS),
        weights=[d.normal("d n"), d.normal("n n"), d.normal("n", std=0.3), d.normal("n")],
        h=d.normal("b n"),
        inputs=d.normal(f"b {steps} d"),
        targets=d.normal(f"b {steps}"),
        chunk=chunk,
    )


def plain(name, draws, **sizes):
    return case(name, gradient=False, draws=draws, **sizes)


@plain("chunks that come out even", 6, c=(2, 3))
def even(d):
    return text(d, d.c * d.choice([2, 3]), d.c)


@plain("a last chunk that is shorter", 6, c=(3, 4))
def uneven(d):
    return text(d, d.c * d.choice([1, 2]) + d.integer(1, d.c - 2), d.c)


@plain("any sizes", 5)
def any_sizes(d):
    return text(d, d.t, d.c)


@plain("one chunk: no truncation", 3, t=(3, 6))
def whole(d):
    return text(d, d.t, d.t + d.choice([0, 2]))


@plain("chunks of one step", 3, t=(2, 5))
def single(d):
    return text(d, d.t, 1)


@law("the loss, or the state at the end, depends on the chunks: only the gradient may", t=(3, 7))
def forward_alike(learner, d):
    arguments = text(d, d.t, 1).arguments
    one, two = (learner.truncated(**{**arguments, "chunk": c}) for c in (2, d.t))
    return near(one[0], two[0]) and near(one[2], two[2])

"""What is asked of the backward of a softmax, and the answer it is held against."""

import torch

from headway.learn.cases import AUTOGRAD, Call, case, law, near, note

ORDER = 3
ENTRIES = ("softmax_backward",)
RETURNS = {"softmax_backward": "b t v"}
SIZES = {"b": (1, 3), "t": (1, 5), "v": (1, 7), "h": (1, 3)}
FORBIDDEN = {
    **dict.fromkeys(AUTOGRAD, "the gradient is to be written as a formula, without autograd"),
    **dict.fromkeys(
        ("log", "log_"), "x is not needed, and no small steps in it: the formula is made of grad and y alone"
    ),
}


def softmax_backward(grad, y, dim=-1):
    product = note("grad · y", grad * y)
    total = note("sum of grad · y over the row", product.sum(dim, keepdim=True))
    return y * (grad - total)


def inputs(d, dim=-1, std=1.5):
    return {"grad": d.normal("b t v"), "y": d.keep(d.normal("b t v", std=std).softmax(dim), "b t v")}


@case("along the last axis", gradient=False)
def last(d):
    return Call("softmax_backward", **inputs(d))


@case("along another axis", t=(2, 5), gradient=False)
def other(d):
    dim = d.choice([0, 1, -2])
    return Call("softmax_backward", **inputs(d, dim), dim=dim)


@case("every axis of four, counted from either end", gradient=False, v=(2, 5), draws=14)
def four_axes(d):
    """All eight numbers that an axis goes by, one to a draw."""
    dim = (d.b + 3 * d.t + 5 * d.v) % 8 - 4
    y = d.keep(d.normal("b t v h", std=1.5).softmax(dim), "b t v h")
    return Call("softmax_backward", grad=d.normal("b t v h"), y=y, dim=dim)


@case("the first axis of three, as -3", gradient=False, b=(2, 4), draws=3)
def from_the_end(d):
    return Call("softmax_backward", **inputs(d, -3), dim=-3)


@case("large gradients", gradient=False, draws=4)
def large(d):
    y = d.keep(d.normal("b t v").softmax(-1), "b t v")
    return Call("softmax_backward", grad=d.normal("b t v", std=1e6), y=y)


@case("one row, no batch", gradient=False, v=(2, 7))
def row(d):
    return Call("softmax_backward", grad=d.normal("v"), y=d.keep(d.normal("v").softmax(-1), "v"))


@case("weights that are nearly 0 and 1", gradient=False, float32=False, tolerance=1e-7, draws=6)
def sharp(d):
    return Call("softmax_backward", **inputs(d, std=40.0))


@law(
    "dx does not add up to 0 along the row: a number added to all x changes nothing in y, so no gradient may lie that way"
)
def adds_up_to_zero(learner, d):
    return near(learner.softmax_backward(**inputs(d)).sum(-1), torch.zeros(d.b, d.t, dtype=torch.float64))


@law("the same number added to all of grad changes dx: y adds up to 1 whatever x is, so it must not", v=(2, 7))
def constant_grad(learner, d):
    given = inputs(d)
    moved = {**given, "grad": given["grad"] + 3}
    return near(learner.softmax_backward(**moved), learner.softmax_backward(**given), 1e-8)


@law("it is not the derivative: dx differs from what small steps in x do to y", v=(2, 6))
def finite_differences(learner, d):
    x, grad, step = d.normal("b t v"), d.normal("b t v"), d.normal("b t v")
    eps = 1e-5
    slope = (grad * ((x + eps * step).softmax(-1) - (x - eps * step).softmax(-1))).sum() / (2 * eps)
    return near((learner.softmax_backward(grad, x.softmax(-1)) * step).sum(), slope, 1e-7)

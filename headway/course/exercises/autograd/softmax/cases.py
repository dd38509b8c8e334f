"""What is asked of the backward of a softmax, and the answer it is held against."""

import torch

from headway.learn.cases import AUTOGRAD, Call, case, law, near, note

ORDER = 3
ENTRIES = ("softmax_backward",)
RETURNS = {"softmax_backward": "b t v"}
SIZES = {"b": (1, 3), "t": (1, 5), "v": (1, 7)}
FORBIDDEN = dict.fromkeys(AUTOGRAD, "the gradient is to be written as a formula, without autograd")


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

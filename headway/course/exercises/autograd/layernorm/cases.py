"""What is asked of the backward of layer normalisation, and the answer it is held against."""

import torch

from headway.learn.cases import AUTOGRAD, Call, case, law, near, note

ORDER = 4
ENTRIES = ("layer_norm_backward",)
RETURNS = {"layer_norm_backward": "b t d, d, d"}
SIZES = {"b": (1, 3), "t": (1, 5), "d": (3, 7)}
TOLERANCE = 1e-8
FORBIDDEN = dict.fromkeys(AUTOGRAD, "the gradient is to be written as a formula, without autograd")


def layer_norm_backward(grad, x, weight, eps=1e-5):
    centred = note("x - mean", x - x.mean(-1, keepdim=True))
    variance = note("variance", centred.square().mean(-1, keepdim=True))
    deviation = note("deviation, with eps", (variance + eps).sqrt())
    normal = note("x̂", centred / deviation)
    g = note("grad · weight", grad * weight)
    along_one = note("mean of grad · weight", g.mean(-1, keepdim=True))
    along_normal = note("mean of grad · weight · x̂", (g * normal).mean(-1, keepdim=True))
    dx = note("dx before it is divided by the deviation", g - along_one - normal * along_normal) / deviation
    d = x.shape[-1]
    return dx, (grad * normal).reshape(-1, d).sum(0), grad.reshape(-1, d).sum(0)


@case("a batch of sequences", gradient=False)
def plain(d):
    return Call("layer_norm_backward", grad=d.normal("b t d"), x=d.normal("b t d", std=2.0), weight=d.normal("d"))


@case("large numbers", gradient=False, float32=False, draws=6, tolerance=1e-8)
def large(d):
    x, grad = d.normal("b t d", std=1e9), d.normal("b t d", std=1e9)
    return Call("layer_norm_backward", grad=grad, x=x, weight=d.normal("d"))


@case("one row", gradient=False, draws=6)
def row(d):
    return Call("layer_norm_backward", grad=d.normal("d"), x=d.normal("d"), weight=d.normal("d"))


@case("as many positions as features", gradient=False, d=(3, 5), draws=6)
def square(d):
    return Call("layer_norm_backward", grad=d.normal("d d"), x=d.normal("d d"), weight=d.normal("d"))


@case("a large eps", gradient=False)
def large_eps(d):
    eps = d.number(0.3, 2.0)
    return Call("layer_norm_backward", grad=d.normal("b t d"), x=d.normal("b t d"), weight=d.normal("d"), eps=eps)


@case("four axes", gradient=False, draws=4)
def four_axes(d):
    x, grad = d.normal("b t 2 d", std=3.0), d.normal("b t 2 d")
    return Call("layer_norm_backward", grad=grad, x=x, weight=d.normal("d"))


@case("far from zero", gradient=False, float32=False, tolerance=1e-6, draws=6)
def far(d):
    x = d.keep(d.normal("b t d") + 1e6, "b t d")  # x² has lost what x - mean is made of
    return Call("layer_norm_backward", grad=d.normal("b t d"), x=x, weight=d.normal("d"))


@law(
    "dx does not add up to 0 along a row: a number added to all x changes nothing in y, so no gradient may lie that way"
)
def no_gradient_along_one(learner, d):
    dx, _, _ = learner.layer_norm_backward(d.normal("b t d"), d.normal("b t d"), d.normal("d"))
    return near(dx.sum(-1), torch.zeros(d.b, d.t, dtype=torch.float64), 1e-7)


@law("dx has a part along x - mean, beyond what eps leaves: y does not change when a row is stretched", d=(3, 7))
def no_gradient_along_x(learner, d):
    x = d.normal("b t d")
    dx, _, _ = learner.layer_norm_backward(d.normal("b t d"), x, d.normal("d"), eps=0.0)
    return near((dx * (x - x.mean(-1, keepdim=True))).sum(-1), torch.zeros(d.b, d.t, dtype=torch.float64), 1e-7)

"""What is asked of layer normalisation, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 1
ENTRIES = ("layer_norm",)
RETURNS = {"layer_norm": "b t d"}
SIZES = {"b": (1, 4), "t": (1, 5), "d": (1, 9), "h": 2}
FORBIDDEN = {
    "layer_norm": "it is the whole exercise in one call",
    "native_layer_norm": "it is the whole exercise in one call",
    "LayerNorm": "it is the whole exercise in one call",
    "group_norm": "with one group it is the whole exercise in one call",
    "native_group_norm": "with one group it is the whole exercise in one call",
    "GroupNorm": "with one group it is the whole exercise in one call",
    "instance_norm": "write the mean and the variance out",
    "batch_norm": "of the transposed it is the whole exercise in one call",
    "native_batch_norm": "of the transposed it is the whole exercise in one call",
    "BatchNorm1d": "of the transposed it is the whole exercise in one call",
    "rms_norm": "write the mean square out",
    "RMSNorm": "write the mean square out",
    "_fused_rms_norm": "write the mean square out",
}


def layer_norm(x, weight, bias, eps=1e-5):
    mean = note("means of the positions", x.mean(-1, keepdim=True))
    variance = note("variances of the positions", (x - mean).square().mean(-1, keepdim=True))
    deviation = note("deviations, with eps", (variance + eps).sqrt())
    normal = note("normalised x, before weight and bias", (x - mean) / deviation)
    return normal * weight + bias


def parameters(d):
    return {"weight": d.normal("d"), "bias": d.normal("d")}


@case("x (b t d)", draws=9)
def sequence(d):
    return Call("layer_norm", x=d.normal("b t d", std=2.0), **parameters(d))


@case("x (b d)", draws=8)
def rows(d):
    return Call("layer_norm", x=d.normal("b d"), **parameters(d))


@case("x (d), a single vector", draws=6)
def vector(d):
    return Call("layer_norm", x=d.normal("d"), **parameters(d))


@case("x with four axes", draws=5, h=(2, 3))
def four_axes(d):
    return Call("layer_norm", x=d.normal("b h t d"), **parameters(d))


@case("x with five axes", draws=2, d=(3, 9), h=(2, 3))
def five_axes(d):
    return Call("layer_norm", x=d.normal("b h 2 t d"), **parameters(d))


@case("features all equal", draws=4, d=(2, 9))
def all_equal(d):
    x = d.normal("b t 1").expand(d.shape("b t d")).clone()
    return Call("layer_norm", x=d.keep(x, "b t d"), **parameters(d), eps=d.number(0.05, 0.6))


@case("eps = 0", draws=3, d=(3, 9))
def no_eps(d):
    return Call("layer_norm", x=d.normal("b t d"), **parameters(d), eps=0.0)


@case("numbers next to 0, eps much smaller still", draws=3, d=(3, 9))
def next_to_zero(d):
    return Call("layer_norm", x=d.normal("b t d", std=1e-8), **parameters(d), eps=1e-30)


@case("many features, one far greater than the others", draws=2, d=117, b=2, t=3)
def outlier(d):
    x = d.normal("b t d", std=0.1)
    x[..., d.integer(0, d.d - 1)] = 30.0
    return Call("layer_norm", x=x, **parameters(d))


@case("bfloat16", gradient=False, float32=False, layouts=False, draws=4, d=(5, 9), tolerance=0.05)
def bfloat16(d):
    given = {"x": d.normal("b t d", std=2.0), **parameters(d)}
    return Call("layer_norm", **{name: value.bfloat16() for name, value in given.items()})


@case("an eps that matters", d=(2, 9), draws=7)
def own_eps(d):
    return Call("layer_norm", x=d.normal("b t d", std=0.5), **parameters(d), eps=d.number(0.05, 0.6))


@case("tiny numbers", d=(2, 9), draws=6)
def tiny(d):
    return Call("layer_norm", x=d.normal("b t d", std=1e-3), **parameters(d))


@case("features far from zero", d=(3, 9), draws=6, float32=False, gradient=False, tolerance=1e-6)
def far(d):
    x = d.normal("b t d")
    return Call("layer_norm", x=d.keep(x + 1e6 * d.choice([-1, 1]), "b t d"), **parameters(d))


@law(
    "a position's result depends on other positions: mean and variance are to be taken over its own features alone",
    b=(2, 4),
)
def alone(learner, d):
    x, p = d.normal("b t d"), parameters(d)
    return near(learner.layer_norm(x, **p)[:1], learner.layer_norm(x[:1], **p))


@law("a constant added to all features of a position, 1e6, changes its result", d=(3, 9))
def shift(learner, d):
    x, p = d.normal("b t d"), parameters(d)
    return near(learner.layer_norm(x, **p), learner.layer_norm(x + 1e6, **p), 1e-6)


@law("the scale of x matters (with eps next to 0): ten times x gives another result", d=(2, 9))
def scale(learner, d):
    x, p = d.normal("b t d"), parameters(d)
    return near(learner.layer_norm(x, **p, eps=1e-30), learner.layer_norm(10 * x, **p, eps=1e-30), 1e-8)


@law("with weight 1 and bias 0 the features of a position have a mean other than 0", d=(2, 9))
def centred(learner, d):
    ones, zeros = torch.ones(d.d, dtype=torch.float64), torch.zeros(d.d, dtype=torch.float64)
    return near(learner.layer_norm(d.normal("b t d"), ones, zeros).mean(-1), torch.zeros(d.shape("b t")))

"""What is asked of RMSNorm, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 2
ENTRIES = ("rms_norm",)
RETURNS = {"rms_norm": "b t d"}
SIZES = {"b": (1, 4), "t": (1, 5), "d": (1, 9)}
FORBIDDEN = {
    "rms_norm": "it is the whole exercise in one call",
    "_fused_rms_norm": "it is the whole exercise in one call",
    "RMSNorm": "it is the whole exercise in one call",
}
PLUG = {"headway.blocks.norms.rms_norm": "rms_norm"}


def rms_norm(x, weight, eps):
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    square = note("mean squares of the positions", wide.square().mean(-1, keepdim=True))
    normal = note("normalised x, before the weight", wide * torch.rsqrt(square + eps))
    return normal.to(x.dtype) * weight


@case("x (b t d)", draws=9)
def sequence(d):
    return Call("rms_norm", x=d.normal("b t d", std=2.0), weight=d.normal("d"), eps=1e-5)


@case("x (b d)", draws=8)
def rows(d):
    return Call("rms_norm", x=d.normal("b d"), weight=d.normal("d"), eps=1e-6)


@case("features far from zero", draws=6)
def far(d):
    return Call("rms_norm", x=d.keep(d.normal("b t d") + 3, "b t d"), weight=d.normal("d"), eps=1e-6)


@case("an eps that matters", draws=7)
def own_eps(d):
    return Call("rms_norm", x=d.normal("b t d", std=0.5), weight=d.normal("d"), eps=d.number(0.05, 0.6))


@case("x = 0", gradient=False, draws=5)
def zero(d):
    return Call(
        "rms_norm",
        x=d.keep(torch.zeros(d.shape("b t d"), dtype=torch.float64), "b t d"),
        weight=d.normal("d"),
        eps=1e-6,
    )


@case("bfloat16", gradient=False, float32=False, layouts=False, draws=8, d=(5, 9), tolerance=0.012)
def bfloat16(d):
    return Call("rms_norm", x=d.normal("b t d").bfloat16(), weight=d.normal("d").bfloat16(), eps=1e-6)


@case(
    "float16, with numbers beyond 300", gradient=False, float32=False, layouts=False, draws=8, d=(4, 9), tolerance=0.004
)
def float16(d):
    return Call("rms_norm", x=(400 + 50 * d.normal("b t d")).half(), weight=d.normal("d").half(), eps=1e-6)


@law(
    "a position's result depends on other positions: the mean square is to be taken over its own features alone",
    b=(2, 4),
)
def alone(learner, d):
    x, weight = d.normal("b t d"), d.normal("d")
    return near(learner.rms_norm(x, weight, 1e-6)[:1], learner.rms_norm(x[:1], weight, 1e-6))


@law("with weight 1 the mean square of the result is not 1", d=(2, 9))
def length(learner, d):
    y = learner.rms_norm(d.normal("b t d"), torch.ones(d.d, dtype=torch.float64), 0.0)
    return near(y.square().mean(-1), torch.ones(d.shape("b t")))


@law("the scale of x matters (with eps = 0): ten times x gives another result", d=(2, 9))
def scale(learner, d):
    x, weight = d.normal("b t d"), d.normal("d")
    return near(learner.rms_norm(x, weight, 0.0), learner.rms_norm(10 * x, weight, 0.0), 1e-8)

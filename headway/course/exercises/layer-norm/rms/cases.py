"""What is asked of RMSNorm, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 2
ENTRIES = ("rms_norm",)
RETURNS = {"rms_norm": "b t d"}
SIZES = {"b": (1, 4), "t": (1, 5), "d": (1, 9), "h": 2}
FORBIDDEN = {
    "rms_norm": "it is the whole exercise in one call",
    "_fused_rms_norm": "it is the whole exercise in one call",
    "RMSNorm": "it is the whole exercise in one call",
    "layer_norm": "of x and -x side by side it is the whole exercise in one call",
    "native_layer_norm": "of x and -x side by side it is the whole exercise in one call",
    "LayerNorm": "of x and -x side by side it is the whole exercise in one call",
    "group_norm": "write the mean square out",
    "native_group_norm": "write the mean square out",
    "GroupNorm": "write the mean square out",
    "batch_norm": "write the mean square out",
    "native_batch_norm": "write the mean square out",
    "instance_norm": "write the mean square out",
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


@case("x with four axes", draws=5, h=(2, 3))
def four_axes(d):
    return Call("rms_norm", x=d.normal("b h t d"), weight=d.normal("d"), eps=1e-6)


@case("x with five axes", draws=2, d=(3, 9), h=(2, 3))
def five_axes(d):
    return Call("rms_norm", x=d.normal("b h 2 t d"), weight=d.normal("d"), eps=1e-6)


@case("x (d), a single vector", draws=3)
def vector(d):
    return Call("rms_norm", x=d.normal("d"), weight=d.normal("d"), eps=1e-6)


@case("eps = 0", draws=3, d=(2, 9))
def no_eps(d):
    return Call("rms_norm", x=d.normal("b t d"), weight=d.normal("d"), eps=0.0)


@case("numbers next to 0, eps much smaller still", draws=3, d=(2, 9))
def next_to_zero(d):
    return Call("rms_norm", x=d.normal("b t d", std=1e-8), weight=d.normal("d"), eps=1e-30)


@case("many features, one far greater than the others", draws=2, d=117, b=2, t=3)
def outlier(d):
    x = d.normal("b t d", std=0.1)
    x[..., d.integer(0, d.d - 1)] = 30.0
    return Call("rms_norm", x=x, weight=d.normal("d"), eps=1e-6)


@case("features far from zero", draws=6)
def far(d):
    return Call("rms_norm", x=d.keep(d.normal("b t d") + 3, "b t d"), weight=d.normal("d"), eps=1e-6)


@case("an eps that matters", draws=7)
def own_eps(d):
    return Call("rms_norm", x=d.normal("b t d", std=0.5), weight=d.normal("d"), eps=d.number(0.05, 0.6))


@case("x = 0", draws=5)
def zero(d):
    return Call(
        "rms_norm",
        x=d.keep(torch.zeros(d.shape("b t d"), dtype=torch.float64), "b t d"),
        weight=d.normal("d"),
        eps=1e-6,
    )


@case("float16, x = 0, eps less than float16 holds", gradient=False, float32=False, layouts=False, draws=1, d=(2, 9))
def zero_in_half(d):
    """The eps has to be added where there is room for it, or 0 is divided by 0."""
    return Call(
        "rms_norm", x=d.keep(torch.zeros(d.shape("b t d")).half(), "b t d"), weight=d.normal("d").half(), eps=1e-8
    )


@case("bfloat16", gradient=False, float32=False, layouts=False, draws=8, d=(5, 9), tolerance=0.012)
def bfloat16(d):
    return Call("rms_norm", x=d.normal("b t d").bfloat16(), weight=d.normal("d").bfloat16(), eps=1e-6)


TWO_SIZES = ((1.2421875, 6, 1.5078125), (3.234375, 6, 1.1328125), (3.328125, 5, 1.8203125), (2.125, 7, 1.3671875))
"""Positions of eight features, n of one size and 8 - n of another, whose results lie well within what rounds to one bfloat16
(so that right answers agree to the last bit, those too that round the factor before they multiply), and a whole step away where
the mean square is rounded."""


@case(
    "bfloat16, where rounding the mean square shows",
    gradient=False,
    float32=False,
    layouts=False,
    draws=3,
    b=1,
    t=1,
    d=8,
    tolerance=1.5e-3,
)
def rounded(d):
    rows = torch.tensor([[a] * n + [c] * (8 - n) for a, n, c in TWO_SIZES])[:, d.distinct(8, 8)]
    x = rows * (1 - 2 * d.integers("4 8", 0, 2)) * 2.0 ** d.integer(-2, 3)
    return Call("rms_norm", x=d.keep(x.bfloat16(), "4 d"), weight=(1 - 2 * d.integers("d", 0, 2)).bfloat16(), eps=1e-12)


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


@law(
    "in bfloat16 the result is further off than rounding it, or the factor, explains: the mean square has to be taken and used "
    "in float32",
    d=1024,
    t=64,
    b=1,
    draws=1,
)
def lengths(learner, d):
    """Per position, how far the common scale of its results is from that of a right answer, which may round the result alone or
    the factor too: on the mean 1e-4 at most. Rounding the mean square makes it 6e-4 and more."""
    x = d.normal("t d", std=1.45).bfloat16()
    y = learner.rms_norm(x, torch.ones(d.d, dtype=torch.bfloat16), 1e-6)
    if y.shape != x.shape:
        return False
    square = x.double().square().mean(-1, keepdim=True) + 1e-6
    factors = (square.rsqrt(), square.rsqrt().bfloat16().double(), 1 / square.sqrt().bfloat16().double())
    rights = [x.double() * factor for factor in factors]
    off = [((y.double() * right).sum(-1) / right.square().sum(-1) - 1).abs() for right in rights]
    return bool(torch.stack(off).amin(0).mean() < 3e-4)


@law("the scale of x matters (with eps = 0): ten times x gives another result", d=(2, 9))
def scale(learner, d):
    x, weight = d.normal("b t d"), d.normal("d")
    return near(learner.rms_norm(x, weight, 0.0), learner.rms_norm(10 * x, weight, 0.0), 1e-8)

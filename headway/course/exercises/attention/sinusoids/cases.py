"""What is asked of sinusoidal positions, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 6
ENTRIES = ("sinusoids",)
RETURNS = {"sinusoids": "t d"}
SIZES = {"b": (1, 3), "t": (1, 6), "d": (1, 11)}
TOLERANCE = 1e-8


def sinusoids(positions, width, base=10000.0):
    dtype = torch.float64 if positions.dtype == torch.float64 else torch.float32
    exponents = note("exponents 2i/d", torch.arange(0, width, 2, dtype=dtype) / width)
    frequencies = note("frequencies base^(-2i/d)", base**-exponents)
    angles = note("angles", positions.to(dtype)[..., None] * frequencies)
    return torch.stack((angles.sin(), angles.cos()), -1).flatten(-2)[..., :width]


@case("positions 0 to t-1, an even width", gradient=False, float32=False, d=[2, 4, 6, 8, 10], draws=7)
def counting(d):
    return Call("sinusoids", positions=d.keep(torch.arange(d.t, dtype=torch.float64), "t"), width=d.d)


@case("any positions, an even width", gradient=False, float32=False, d=[4, 6, 8, 10], draws=7)
def any_positions(d):
    return Call("sinusoids", positions=d.integers("t", 0, 5000).double(), width=d.d)


@case("positions that are no whole numbers", gradient=False, float32=False, d=[2, 4, 6, 8], draws=5)
def fractions(d):
    return Call("sinusoids", positions=d.uniform("t", -20.0, 300.0), width=d.d)


@case("an odd width", gradient=False, float32=False, d=[1, 3, 5, 7, 9], draws=6)
def odd(d):
    return Call("sinusoids", positions=d.integers("t", 0, 300).double(), width=d.d)


@case("positions (b t), a row each", gradient=False, float32=False, layouts=False, draws=6)
def rows(d):
    return Call("sinusoids", positions=d.integers("b t", 0, 500).double(), width=d.d)


@case("positions far out", gradient=False, float32=False, d=[4, 6, 8, 10], draws=4, tolerance=1e-7)
def far_positions(d):
    """Up to a million: the angle, and with it the last digits of a right answer, are as large."""
    return Call("sinusoids", positions=d.integers("t", 150_000, 1_000_000).double(), width=d.d)


@case("negative positions", gradient=False, float32=False, d=[4, 6, 8, 10], draws=4)
def negative_positions(d):
    return Call("sinusoids", positions=d.integers("t", -400, 0).double(), width=d.d)


@case(
    "positions in float32 that are no whole numbers",
    gradient=False,
    float32=False,
    tolerance=3e-4,
    d=[4, 6, 8, 10],
    draws=4,
)
def float32_fractions(d):
    return Call("sinusoids", positions=d.uniform("t", -50.0, 50.0).float(), width=d.d)


@case("positions in bfloat16 or float16 (float32 is asked for)", gradient=False, float32=False, tolerance=3e-4, draws=4)
def half_positions(d):
    dtype = torch.bfloat16 if d.integer(0, 1) else torch.float16
    return Call("sinusoids", positions=(d.integers("t", -60, 60) / 4).to(dtype), width=d.d)


@case("large integers (float32)", gradient=False, float32=False, tolerance=3e-3, draws=3)
def large_integers(d):
    return Call("sinusoids", positions=d.integers("t", 2000, 6000), width=d.d)


@case("positions in int32", gradient=False, float32=False, tolerance=3e-4, draws=3)
def int32_positions(d):
    return Call("sinusoids", positions=d.integers("b t", 0, 100).int(), width=d.d)


@case("a small base, or one that is no whole number", gradient=False, float32=False, d=[4, 6, 8, 10], draws=4)
def small_base(d):
    base = d.choice([1.5, 9.5, 123.4, 100000.5])
    return Call("sinusoids", positions=d.uniform("t", 0.0, 300.0), width=d.d, base=base)


@case("a base of its own", gradient=False, float32=False, d=(3, 11), draws=6)
def own_base(d):
    base = d.choice([100.0, 1000.0, 50000.0])
    return Call("sinusoids", positions=d.integers("t", 0, 300).double(), width=d.d, base=base)


@case("positions that are integers (float32)", gradient=False, float32=False, tolerance=3e-4, draws=6)
def integer_positions(d):
    return Call("sinusoids", positions=d.integers("t", 0, 100), width=d.d)


def at(*places):
    return torch.tensor(places, dtype=torch.float64)


@law("position 0 is not 0, 1, 0, 1, ...: sin 0 in the even places, cos 0 in the odd ones")
def zero(learner, d):
    return near(learner.sinusoids(at(0.0), d.d)[0], (torch.arange(d.d) % 2).double())


@law("the dot product of two positions depends on where they stand, not only on their distance", d=[2, 4, 6, 8, 10])
def distance(learner, d):
    p, q, n = d.integer(0, 50), d.integer(51, 400), d.integer(1, 20)
    one, two = learner.sinusoids(at(p, p + n), d.d), learner.sinusoids(at(q, q + n), d.d)
    return near(one[0] @ one[1], two[0] @ two[1], 1e-8)


@law(
    "a position's squares do not add up to d/2: a sine and a cosine of the same angle are to go together",
    d=[2, 4, 6, 8, 10],
)
def length(learner, d):
    return near(learner.sinusoids(d.integers("t", 0, 400).double(), d.d).square().sum(-1), torch.full((d.t,), d.d / 2))


def plug(task):
    """The learner's positions in the 2017 model, which says what dtype it wants."""

    def sinusoids(positions, width, base=10000.0, *, dtype=torch.float32):
        return task.sinusoids(positions, width, base).to(dtype)

    return {"headway.blocks.positions.sinusoids": sinusoids}

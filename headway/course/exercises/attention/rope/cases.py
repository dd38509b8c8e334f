"""What is asked of rotary position embedding, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 3
ENTRIES = ("rotary_angles", "rotate")
RETURNS = {"rotary_angles": "t k/2, t k/2", "rotate": "b h t k"}
SIZES = {"b": (1, 3), "h": (1, 4), "t": (1, 6), "n": (1, 6)}  # n pairs: the head width k is 2n
PLUG = {"headway.blocks.rotary.rotary_angles": "rotary_angles", "headway.blocks.rotary.rotate": "rotate"}


def rotary_angles(positions, width, base=10000.0):
    dtype = torch.float64 if positions.dtype == torch.float64 else torch.float32
    exponents = note("exponents 2i/k", torch.arange(0, width, 2, dtype=dtype) / width)
    frequencies = note("frequencies base^(-2i/k)", base**-exponents)
    angles = note("angles", positions.to(dtype)[..., None] * frequencies)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    cos, sin = cos.unsqueeze(-3), sin.unsqueeze(-3)
    a, b = x.chunk(2, dim=-1)
    first = note("first half, a cos - b sin", a * cos - b * sin)
    second = note("second half, a sin + b cos", a * sin + b * cos)
    return torch.cat((first, second), dim=-1)


@case("positions 0 to t-1 in float64", gradient=False, float32=False)
def counting(d):
    return Call("rotary_angles", positions=d.keep(torch.arange(d.t, dtype=torch.float64), "t"), width=2 * d.n)


@case("any positions in float64", gradient=False, float32=False)
def any_positions(d):
    return Call("rotary_angles", positions=d.integers("t", 0, 5000).double(), width=2 * d.n)


@case("positions that are no whole numbers", gradient=False, float32=False, n=(2, 6), draws=5)
def fractions(d):
    return Call("rotary_angles", positions=d.uniform("b t", -20.0, 300.0), width=2 * d.n)


@case("positions (b t), a row each", gradient=False, float32=False, layouts=False)
def rows_of_positions(d):
    return Call("rotary_angles", positions=d.integers("b t", 0, 500).double(), width=2 * d.n)


@case("positions far out", gradient=False, float32=False, n=(2, 6), draws=4, tolerance=1e-7)
def far_positions(d):
    """Up to a million: the angle, and with it the last digits of a right answer, are as large."""
    return Call("rotary_angles", positions=d.integers("t", 150_000, 1_000_000).double(), width=2 * d.n)


@case("negative positions", gradient=False, float32=False, n=(2, 6), draws=4)
def negative_positions(d):
    return Call("rotary_angles", positions=d.integers("t", -400, 0).double(), width=2 * d.n)


@case(
    "positions in float32 that are no whole numbers", gradient=False, float32=False, tolerance=3e-4, n=(2, 6), draws=4
)
def float32_fractions(d):
    return Call("rotary_angles", positions=d.uniform("t", -50.0, 50.0).float(), width=2 * d.n)


@case("positions in bfloat16 or float16 (float32 is asked for)", gradient=False, float32=False, tolerance=3e-4, draws=4)
def half_positions(d):
    dtype = torch.bfloat16 if d.integer(0, 1) else torch.float16
    return Call("rotary_angles", positions=(d.integers("t", -60, 60) / 4).to(dtype), width=2 * d.n)


@case("large integers (float32)", gradient=False, float32=False, tolerance=3e-3, draws=3)
def large_integers(d):
    return Call("rotary_angles", positions=d.integers("t", 2000, 6000), width=2 * d.n)


@case("positions in int32", gradient=False, float32=False, tolerance=3e-4, draws=3)
def int32_positions(d):
    return Call("rotary_angles", positions=d.integers("b t", 0, 100).int(), width=2 * d.n)


@case("a small base, or one that is no whole number", gradient=False, float32=False, n=(2, 6), draws=4)
def small_base(d):
    base = d.choice([1.5, 9.5, 123.4, 100000.5])
    return Call("rotary_angles", positions=d.uniform("t", 0.0, 300.0), width=2 * d.n, base=base)


@case("a base of its own", gradient=False, float32=False)
def own_base(d):
    base = d.choice([500.0, 100000.0, 1000000.0])
    return Call("rotary_angles", positions=d.integers("t", 0, 300).double(), width=2 * d.n, base=base)


@case("positions that are integers (float32 angles)", gradient=False, float32=False, tolerance=3e-4)
def integer_positions(d):
    return Call("rotary_angles", positions=d.integers("t", 0, 100), width=2 * d.n)


@case("positions in float32 (float32 angles)", gradient=False, float32=False, tolerance=3e-4)
def float_positions(d):
    return Call("rotary_angles", positions=d.integers("b t", 0, 100).float(), width=2 * d.n, base=500.0)


def turn(d, axes):
    angles = d.uniform(axes, 0.0, 6.3)
    return {"cos": d.keep(angles.cos(), axes), "sin": d.keep(angles.sin(), axes)}


@case("the same positions in every row: cos (t k/2)")
def shared(d):
    return Call("rotate", x=d.normal("b h t 2*n"), **turn(d, "t n"))


@case("positions of its own in every row: cos (b t k/2)")
def per_row(d):
    return Call("rotate", x=d.normal("b h t 2*n"), **turn(d, "b t n"))


@case("as many heads as positions", t=(2, 4), h=(2, 4), b=(2, 3), draws=8)
def square(d):
    x = d.normal("b t t 2*n")
    return Call("rotate", x=x, **turn(d, d.choice(["t n", "b t n"])))


@case("as many rows as heads and positions", t=(2, 4), draws=6)
def cube(d):
    return Call("rotate", x=d.normal("t t t 2*n"), **turn(d, d.choice(["t n", "t t n"])))


@case("many heads and positions", b=2, h=13, t=41, n=9, draws=1)
def many(d):
    return Call("rotate", x=d.normal("b h t 2*n"), **turn(d, "t n"))


@law("the length of a vector changes: a rotation keeps a² + b² of every pair")
def length_stays(learner, d):
    x = d.normal("b h t 2*n")
    out = learner.rotate(x, **turn(d, "t n"))
    return near(out.square().sum(-1), x.square().sum(-1))


@law("the dot product of a query and a key depends on where they stand, not only on their distance", t=1)
def distance_alone(learner, d):
    q, k = d.normal("b h t 2*n"), d.normal("b h t 2*n")
    here, far = d.integer(0, 50), d.integer(51, 400)

    def score(p, s):
        angles = [learner.rotary_angles(torch.tensor([float(x)], dtype=torch.float64), 2 * d.n) for x in (p, s)]
        return (learner.rotate(q, *angles[0]) * learner.rotate(k, *angles[1])).sum(-1)

    return near(score(here + 7, here), score(far + 7, far), 1e-8)


@law("position 0 is turned: its angle is 0, so that it stays as it is")
def position_zero(learner, d):
    x = d.normal("b h 1 2*n")
    cos, sin = learner.rotary_angles(torch.zeros(1, dtype=torch.float64), 2 * d.n)
    return near(learner.rotate(x, cos, sin), x)

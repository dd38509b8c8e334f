"""What is asked of the gated recurrent unit, and the answer it is held against."""

import torch
import torch.nn.functional as F

from headway.learn.cases import Call, case, law, near, note

ORDER = 1
ENTRIES = ("gru_step", "gru")
RETURNS = {"gru_step": "b n", "gru": "b t n"}
SIZES = {"b": (1, 4), "t": (1, 5), "d": (1, 6), "n": (1, 5)}
FORBIDDEN = {
    "GRU": "it is the whole exercise in one call",
    "GRUCell": "it is the whole exercise in one call",
    "gru_cell": "it is the whole exercise in one call",
    "gru": "PyTorch's own is the whole exercise in one call",
}
PLUG = {"headway.blocks.recurrent.gru_step": "gru_step", "headway.blocks.recurrent.gru": "gru"}


def gru_step(x, h, w_x, w_h, b_x, b_h):
    from_x = note("part of r, z and c from x", F.linear(x, w_x, b_x)).chunk(3, -1)
    from_h = note("part of r, z and c from h", F.linear(h, w_h, b_h)).chunk(3, -1)
    r = note("gate r", torch.sigmoid(from_x[0] + from_h[0]))
    z = note("gate z", torch.sigmoid(from_x[1] + from_h[1]))
    c = note("candidate c", torch.tanh(from_x[2] + r * from_h[2]))
    return z * h + (1 - z) * c


def gru(x, h, w_x, w_h, b_x, b_h):
    states = []
    for step, x_t in enumerate(x.unbind(1), start=1):
        h = note(f"state after step {step}", gru_step(x_t, h, w_x, w_h, b_x, b_h))
        states.append(h)
    return torch.stack(states, 1)


def weights(d, biases=True):
    std = 0.5 if biases else 0.0
    return {
        "w_x": d.normal("3*n d"),
        "w_h": d.normal("3*n n"),
        "b_x": d.normal("3*n", std=std),
        "b_h": d.normal("3*n", std=std),
    }


@case("one step", n=(2, 5), draws=3)
def step(d):
    return Call("gru_step", x=d.normal("b d"), h=d.normal("b n"), **weights(d))


@case("one step, any sizes", draws=3)
def any_step(d):
    return Call("gru_step", x=d.normal("b d"), h=d.normal("b n"), **weights(d))


@case("one step without biases", n=(2, 5), draws=2)
def unbiased(d):
    return Call("gru_step", x=d.normal("b d"), h=d.normal("b n"), **weights(d, False))


@case("as many features as the state has", d=1, n=(2, 5), draws=3)
def square(d):
    return Call("gru_step", x=d.normal("b n"), h=d.normal("b n"), **weights(d) | {"w_x": d.normal("3*n n")})


@case("a text", t=(2, 5), n=(2, 5), draws=3)
def text(d):
    return Call("gru", x=d.normal("b t d"), h=d.normal("b n"), **weights(d))


@case("a text, any sizes", draws=3)
def any_text(d):
    return Call("gru", x=d.normal("b t d"), h=d.normal("b n"), **weights(d))


@case("gates far open or shut, a large state", n=(2, 5), draws=3, float32=False, gradient=False)
def extremes(d):
    return Call("gru_step", x=d.normal("b d", std=15.0), h=d.normal("b n", std=8.0), **weights(d))


@case("one row", b=1, t=(2, 5), n=(2, 5), draws=2)
def one_row(d):
    return Call("gru", x=d.normal("b t d"), h=d.normal("b n"), **weights(d))


@case("as many rows as steps", b=(2, 4), n=(2, 5), draws=2)
def as_many(d):
    return Call("gru", x=d.normal("b b d"), h=d.normal("b n"), **weights(d))


@case("a long text", b=2, t=17, n=3, d=2, draws=1)
def long_text(d):
    return Call("gru", x=d.normal("b t d"), h=d.normal("b n"), **weights(d))


@law("with z = 1 (a great bias on it) the state changes")
def kept(learner, d):
    w = weights(d)
    w["b_x"][d.n : 2 * d.n] = 1000.0
    h = d.normal("b n")
    return near(learner.gru_step(d.normal("b d"), h, **w), h)


@law(
    "a text cut in two, the second half begun with the last state of the first, gives other states than the whole",
    t=(2, 5),
)
def cut(learner, d):
    x, h, w = d.normal("b t d"), d.normal("b n"), weights(d)
    first = learner.gru(x[:, :1], h, **w)
    second = learner.gru(x[:, 1:], first[:, -1], **w)
    return near(learner.gru(x, h, **w), torch.cat((first, second), 1))

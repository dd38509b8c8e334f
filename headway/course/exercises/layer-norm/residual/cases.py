"""What is asked of the placement of the norm, and the answer it is held against."""

import torch

from headway.learn.cases import Call, Function, case, law, near, note

ORDER = 3
ENTRIES = ("residual", "stack")
RETURNS = {"residual": "b t d", "stack": "b t d"}
SIZES = {"b": (1, 3), "t": (1, 4), "d": (2, 7), "n": (1, 4)}


def residual(x, f, norm, place):
    if place == "post":
        branch = note("result of the sublayer, f(x)", f(x))
        return norm(note("sum x + f(x)", x + branch))
    inside = note("normed input of the sublayer, norm(x)", norm(x))
    branch = note("result of the sublayer, f(norm(x))", f(inside))
    return x + branch


def stack(x, sublayers, norms, place):
    for n, (f, norm) in enumerate(zip(sublayers, norms, strict=False), start=1):
        x = note(f"stream after sublayer {n}", residual(x, f, norm, place))
    return norms[-1](x) if place == "pre" else x


def sublayer(d):
    """Mixes the features and, by a running mean, the positions, as an MLP and an attention do."""
    source = "lambda x: torch.tanh(x @ weight + bias) + 0.3 * x.cumsum(1)"
    return Function(source, weight=d.normal("d d"), bias=d.normal("d"))


def norm(d):
    source = "lambda x: torch.nn.functional.layer_norm(x, x.shape[-1:], gain, bias)"
    return Function(source, gain=1 + 0.5 * d.normal("d"), bias=0.5 * d.normal("d"))


@case("the norm after the sum (post)", draws=6)
def post(d):
    return Call("residual", x=d.normal("b t d", std=2.0), f=sublayer(d), norm=norm(d), place="post")


@case("the norm before the sublayer (pre)", draws=6)
def pre(d):
    return Call("residual", x=d.normal("b t d", std=2.0), f=sublayer(d), norm=norm(d), place="pre")


@case("many positions", t=(20, 40), draws=1)
def long(d):
    place = d.choice(["post", "pre"])
    return Call("residual", x=d.normal("b t d", std=2.0), f=sublayer(d), norm=norm(d), place=place)


def several(d, place):
    sublayers, norms = [sublayer(d) for _ in range(d.n)], [norm(d) for _ in range(d.n + 1)]
    return Call("stack", x=d.normal("b t d", std=2.0), sublayers=sublayers, norms=norms, place=place)


@case("a stack in post-norm", draws=7)
def post_stack(d):
    return several(d, "post")


@case("a stack in pre-norm", draws=7)
def pre_stack(d):
    return several(d, "pre")


@case("a stack of no sublayers", draws=4, n=0)
def empty_stack(d):
    return several(d, d.choice(["post", "pre"]) if d.b % 2 else "pre")


@law("in pre-norm a sublayer that returns 0 changes the stream: x has to run past the norm untouched")
def silent(learner, d):
    x = d.normal("b t d")
    return near(learner.residual(x, Function("lambda x: 0 * x"), norm(d), "pre"), x)


@law("in post-norm what comes out of a block is not normalised: the norm has to be the last thing that happens")
def normalised(learner, d):
    plain = Function("lambda x: torch.nn.functional.layer_norm(x, x.shape[-1:], eps=0.0)")
    y = learner.residual(d.normal("b t d"), sublayer(d), plain, "post")
    return near(y.square().mean(-1), torch.ones(d.shape("b t")))

"""What is asked of the decoder layer, and the answer it is held against."""

import math

import torch
import torch.nn.functional as F

from headway.learn.cases import Call, case, law, near, note

ORDER = 2
ENTRIES = ("decoder_layer",)
RETURNS = {"decoder_layer": "b t d"}
SIZES = {"b": (1, 3), "t": (1, 5), "s": (1, 5), "h": (1, 3), "k": (2, 4), "f": (5, 9)}
FORBIDDEN = {
    "TransformerDecoderLayer": "it is the whole exercise in one call",
    "TransformerDecoder": "it is the whole exercise in one call",
    "MultiheadAttention": "use the attention you wrote, or F.scaled_dot_product_attention",
    "multi_head_attention_forward": "use the attention you wrote, or F.scaled_dot_product_attention",
}


def decoder_layer(x, states, weights, n_head, mask=None):
    def linear(name, y):
        return F.linear(y, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(name, y):
        return F.layer_norm(y, y.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])

    def attention(name, x, y, visible):
        q, k, v = (
            linear(f"{name}.{part}", z).unflatten(-1, (n_head, -1)).transpose(1, 2)
            for part, z in (("q", x), ("k", y), ("v", y))
        )
        what = {"attn": "self-attention", "cross": "cross attention"}[name]
        scores = note(f"scores of the {what}", q @ k.mT / math.sqrt(q.shape[-1]))
        if visible is not None:
            scores = note(f"scores of the {what}, with what is hidden", scores.masked_fill(~visible, -math.inf))
        weights = note(f"weights of the {what}", scores.softmax(-1))
        return linear(f"{name}.out", (weights @ v).transpose(1, 2).flatten(2))

    past = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
    attended = note("result of the self-attention", attention("attn", x, x, past))
    x = note("stream after the self-attention, x + attention, normed", norm("attn_norm", x + attended))
    looked = note(
        "result of the cross attention", attention("cross", x, states, None if mask is None else mask[:, None, None])
    )
    x = note("stream after the cross attention, x + attention, normed", norm("cross_norm", x + looked))
    changed = note("result of the MLP", linear("down", note("hidden layer of the MLP", linear("up", x).relu())))
    return norm("mlp_norm", x + changed)


def checkpoint(d):
    weights = {}
    width, std = d.h * d.k, (d.h * d.k) ** -0.5
    for name in [f"{part}.{layer}" for part in ("attn", "cross") for layer in ("q", "k", "v", "out")]:
        weights[f"{name}.weight"] = d.normal(f"{width} {width}", std=1.5 * std)
        weights[f"{name}.bias"] = d.normal(str(width), std=0.5)
    for name, axes in (("up", f"f {width}"), ("down", f"{width} f")):
        weights[f"{name}.weight"] = d.normal(axes, std=std)
        weights[f"{name}.bias"] = d.normal(axes.split()[0], std=0.5)
    for name in ("attn_norm", "cross_norm", "mlp_norm"):
        weights[f"{name}.weight"] = d.uniform(str(width), 0.5, 1.5)
        weights[f"{name}.bias"] = d.normal(str(width), std=0.5)
    return weights


def given(d):
    return {
        "x": d.normal("b t h*k", std=1.5),
        "states": d.normal("b s h*k", std=1.5),
        "weights": checkpoint(d),
        "n_head": d.h,
    }


@case("no padding", b=2, h=(2, 3), t=(2, 5), k=2, f=5, draws=2)
def plain(d):
    return Call("decoder_layer", **given(d))


@case("a source with padding", b=(2, 3), h=2, s=(2, 5), t=(2, 5), k=3, f=6, draws=3)
def padded(d):
    return Call("decoder_layer", **given(d), mask=d.mask("b s", keep=0.5))


@case(
    "large scores, with padding",
    b=(2, 3),
    h=2,
    s=(3, 5),
    t=4,
    k=3,
    f=6,
    draws=5,
    float32=False,
    gradient=False,
    tolerance=1e-6,
)
def large(d):
    arguments = given(d) | {"x": d.normal("b t h*k", std=30.0), "states": d.normal("b s h*k", std=900.0)}
    return Call("decoder_layer", **arguments, mask=d.mask("b s", keep=0.5))


@case(
    "scores of a million",
    b=2, t=4, s=(4, 5), h=2, k=3, f=6, draws=1, float32=False, gradient=False, tolerance=1e-6,
)  # fmt: skip
def huge(d):
    arguments = given(d) | {"x": d.normal("b t h*k", std=1e3), "states": d.normal("b s h*k", std=1e6)}
    return Call("decoder_layer", **arguments, mask=d.mask("b s", keep=0.5))


@case("many positions, a long source", b=2, t=35, s=38, h=2, k=2, f=5, draws=1)
def long(d):
    return Call("decoder_layer", **given(d), mask=d.mask("b s", keep=0.6))


@case("large numbers within the MLP", b=2, t=3, s=3, h=2, k=3, f=6, draws=1)
def wide(d):
    arguments = given(d)
    arguments["weights"]["up.weight"] *= 12
    return Call("decoder_layer", **arguments)


@case("any sizes", draws=2)
def any_sizes(d):
    return Call("decoder_layer", **given(d), mask=d.mask("b s"))


@case("as many positions as in the source", b=2, s=1, t=(3, 5), h=2, k=2, f=5, draws=2)
def square(d):
    arguments = given(d) | {"states": d.normal("b t h*k")}
    return Call("decoder_layer", **arguments, mask=d.mask("b t"))


@law("positions see their future: another last position changes the results before it", t=(2, 5))
def causal(learner, d):
    arguments = given(d)
    other = arguments["x"].clone()
    other[:, -1] += 3
    one, two = (learner.decoder_layer(**{**arguments, "x": x}) for x in (arguments["x"], other))
    return near(one[:, :-1], two[:, :-1])


@law("padding of the source has an effect", s=(2, 5))
def hidden(learner, d):
    arguments = given(d)
    mask = torch.ones(d.shape("b s"), dtype=torch.bool)
    mask[:, -1] = False
    other = arguments["states"].clone()
    other[:, -1] += 3
    one, two = (learner.decoder_layer(**{**arguments, "states": y}, mask=mask) for y in (arguments["states"], other))
    return near(one, two)

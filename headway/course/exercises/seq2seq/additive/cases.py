"""What is asked of additive attention, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 1
ENTRIES = ("additive_scores", "align")
RETURNS = {"additive_scores": "b s", "align": "b e, b s"}
SIZES = {"b": (1, 4), "s": (1, 6), "n": (1, 5), "e": (1, 5)}
PLUG = {
    "headway.blocks.alignment.additive_scores": "additive_scores",
    "headway.blocks.alignment.align": "align",
}


def additive_scores(query, keys, weight, v):
    asked = note("W s (b n)", query @ weight.T)
    hidden = note("hidden layer, tanh(W s + U h) (b s n)", torch.tanh(asked[:, None] + keys))
    return hidden @ v


def align(scores, states, mask=None):
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = note("weights (b s)", scores.softmax(-1))
    return (weights[:, None] @ states)[:, 0], weights


def scoring(d, batch="b", words="s", width="n"):
    return Call(
        "additive_scores",
        query=d.normal(f"{batch} {width}"),
        keys=d.normal(f"{batch} {words} {width}"),
        weight=d.normal(f"{width} {width}"),
        v=d.normal(width),
    )


@case("scores", n=(2, 5), draws=7)
def scores(d):
    return scoring(d)


@case("scores, any sizes", draws=7)
def any_scores(d):
    return scoring(d)


@case("scores, as many rows as words", s=1, b=(2, 4), n=(2, 5), draws=5)
def square(d):
    return scoring(d, words="b")


@case("weights and context", draws=7)
def aligned(d):
    return Call("align", scores=d.normal("b s", std=2.0), states=d.normal("b s e"))


@case("weights and context, with padding", s=(2, 6), draws=8)
def padded(d):
    return Call("align", scores=d.normal("b s", std=2.0), states=d.normal("b s e"), mask=d.mask("b s", keep=0.5))


@case("large scores, with padding", s=(3, 6), draws=5, float32=False, gradient=False)
def large(d):
    return Call("align", scores=d.normal("b s", std=900.0), states=d.normal("b s e"), mask=d.mask("b s", keep=0.5))


@case("scores of a million", s=(3, 6), draws=3, float32=False, gradient=False)
def huge(d):
    return Call("align", scores=d.normal("b s", std=1e6), states=d.normal("b s e"), mask=d.mask("b s", keep=0.5))


@case("a long source, of which little is real", b=2, s=40, n=3, e=3, draws=1)
def long(d):
    return Call("align", scores=d.normal("b s", std=2.0), states=d.normal("b s e"), mask=d.mask("b s", keep=0.2))


@case("large numbers in the hidden layer", draws=3, n=(2, 5))
def saturated(d):
    call = scoring(d)
    call.arguments["keys"] *= 8
    return call


@case("scores far below zero, with padding", s=(3, 6), draws=4, float32=False, gradient=False)
def far_below(d):
    scores, mask = d.keep(d.normal("b s") - 5000, "b s"), d.mask("b s", keep=0.5)
    mask[:, d.integer(0, d.s - 1)] = False
    mask[:, 0] |= ~mask.any(-1)
    return Call("align", scores=scores, states=d.normal("b s e"), mask=mask)


@law("the weights of a row do not add up to 1")
def adds_up(learner, d):
    weights = learner.align(d.normal("b s"), d.normal("b s e"), d.mask("b s"))[1]
    return near(weights.sum(-1), torch.ones(d.b))


@law("padding gets a weight, if a small one: it has to be 0", s=(2, 6))
def nothing(learner, d):
    mask = d.mask("b s", keep=0.5)
    return not bool(learner.align(d.normal("b s"), d.normal("b s e"), mask)[1][~mask].any())


@law("padding has an effect: other states there change the context", s=(2, 6))
def hidden(learner, d):
    scores, states = d.normal("b s"), d.normal("b s e")
    mask = torch.ones(d.shape("b s"), dtype=torch.bool)
    mask[:, 0] = False
    other = states.clone()
    other[:, 0] += 5
    return near(learner.align(scores, states, mask)[0], learner.align(scores, other, mask)[0])

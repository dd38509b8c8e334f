"""What is asked of cross attention, and the answer it is held against."""

import math

import torch
from torch import nn

from headway.learn.cases import Make, case, law, near, note

ORDER = 4
ENTRIES = ("CrossAttention",)
RETURNS = {"CrossAttention": "b t d"}
SIZES = {"b": (1, 3), "t": (1, 5), "s": (1, 6), "h": (1, 4), "k": (1, 4)}
OPTIONAL = ("q.bias", "k.bias", "v.bias", "out.bias")
FORBIDDEN = {
    "MultiheadAttention": "it is the whole exercise in one call",
    "multi_head_attention_forward": "it is the whole exercise in one call",
    "TransformerDecoderLayer": "it contains the whole exercise",
}


class CrossAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def heads(self, x):
        return x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)

    def forward(self, x, states, mask=None):
        q = note("queries, from x, cut into heads (b h t k)", self.heads(self.q(x)))
        k = note("keys, from states, cut into heads (b h s k)", self.heads(self.k(states)))
        v = note("values, from states, cut into heads (b h s k)", self.heads(self.v(states)))
        scores = note("scores (b h t s)", q @ k.mT / math.sqrt(q.shape[-1]))
        if mask is not None:
            scores = note("scores with padding hidden (b h t s)", scores.masked_fill(~mask[:, None, None], -math.inf))
        weights = note("weights (b h t s)", scores.softmax(-1))
        merged = note("heads side by side (b t d)", (weights @ v).transpose(1, 2).reshape(x.shape))
        return self.out(merged)


def made(d):
    return Make("CrossAttention", width=d.h * d.k, n_head=d.h)


def given(d):
    return {"x": d.normal("b t h*k", std=1.5), "states": d.normal("b s h*k", std=1.5)}


@case("no padding", b=2, h=(2, 4), k=3, draws=4)
def plain(d):
    return made(d).call(**given(d))


@case("a source with padding", b=(2, 3), h=(2, 4), k=(2, 4), s=(2, 6), draws=5)
def padded(d):
    return made(d).call(**given(d), mask=d.mask("b s", keep=0.5))


@case(
    "large scores, with padding",
    b=2,
    h=2,
    k=3,
    s=(3, 6),
    draws=6,
    float32=False,
    gradient=False,
    tolerance=1e-6,
)
def large(d):
    x, states = d.normal("b t h*k", std=30.0), d.normal("b s h*k", std=30.0)
    return made(d).call(x=x, states=states, mask=d.mask("b s", keep=0.5))


@case("any sizes", draws=5)
def any_sizes(d):
    return made(d).call(**given(d), mask=d.mask("b s"))


@case("as many positions as in the source", s=1, h=(2, 3), k=(2, 3), t=(2, 4), draws=3)
def square(d):
    return made(d).call(x=d.normal("b t h*k"), states=d.normal("b t h*k"), mask=d.mask("b t"))


@case("called twice, with other sources, lengths and batches", h=2, k=3, t=(2, 4), s=(2, 5), draws=3)
def twice(d):
    """Keys, or a mask, kept from the first call must not be used in the second."""
    longer = {"x": d.normal(f"{d.b + 1} {d.t + 1} h*k"), "states": d.normal(f"{d.b + 1} {d.s + 2} h*k")}
    again = made(d).call(**given(d), mask=d.mask("b s")).call(**longer).call(**given(d), mask=d.mask("b s"))
    return again.call(**given(d))


@case("heads of one feature", b=2, h=3, k=1, t=3, s=4, draws=2)
def narrow(d):
    return made(d).call(**given(d), mask=d.mask("b s"))


@case("many heads, a long source", b=2, h=5, k=2, t=4, s=37, draws=1)
def long(d):
    return made(d).call(**given(d), mask=d.mask("b s", keep=0.7))


@case(
    "scores of a million",
    b=2,
    h=2,
    k=3,
    t=3,
    s=5,
    float32=False,
    gradient=False,
    draws=2,
)
def huge(d):
    x, states = d.normal("b t h*k", std=1e3), d.normal("b s h*k", std=1e3)
    return made(d).call(x=x, states=states, mask=d.mask("b s", keep=0.5))


@law("padding has an effect: other states where the mask is False change the result", s=(2, 6))
def hidden(learner, d):
    x, states, seed = d.normal("b t h*k"), d.normal("b s h*k"), d.integer(0, 10**6)
    mask = torch.ones(d.shape("b s"), dtype=torch.bool)
    mask[:, -1] = False
    other = states.clone()
    other[:, -1] += 5
    one, two = (learner.perform(made(d).call(x=x, states=y, mask=mask), seed) for y in (states, other))
    return near(one, two)


@law("the order of the source matters: states and mask permuted together change the result", s=(2, 6))
def order(learner, d):
    x, states, mask = d.normal("b t h*k"), d.normal("b s h*k"), d.mask("b s")
    seed, turn = d.integer(0, 10**6), d.distinct("s", "s")
    one = learner.perform(made(d).call(x=x, states=states, mask=mask), seed)
    return near(one, learner.perform(made(d).call(x=x, states=states[:, turn], mask=mask[:, turn]), seed))


@law("positions of x mix: each gives another result alone than among the others", t=(2, 5))
def apart(learner, d):
    x, states, seed = d.normal("b t h*k"), d.normal("b s h*k"), d.integer(0, 10**6)
    whole = learner.perform(made(d).call(x=x, states=states), seed)
    return near(whole[:, :1], learner.perform(made(d).call(x=x[:, :1], states=states), seed))

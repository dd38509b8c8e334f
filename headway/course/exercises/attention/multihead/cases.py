"""What is asked of multi-head causal self-attention, and the answer it is held against."""

import math

import torch
from torch import nn

from headway.learn.cases import Make, case, law, near, note

ORDER = 2
ENTRIES = ("MultiHeadAttention",)
RETURNS = {"MultiHeadAttention": "b t d"}
SIZES = {"b": (1, 3), "t": (1, 6), "h": (1, 4), "k": (1, 5)}
OPTIONAL = ("q.bias", "k.bias", "v.bias", "out.bias")
FORBIDDEN = {
    "MultiheadAttention": "it is the whole exercise in one call",
    "multi_head_attention_forward": "it is the whole exercise in one call",
    "TransformerEncoderLayer": "it contains the whole exercise",
}


class MultiHeadAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (layer(x).view(b, t, self.n_head, -1).transpose(1, 2) for layer in (self.q, self.k, self.v))
        q, k = note("queries, cut into heads (b h t k)", q), note("keys, cut into heads (b h t k)", k)
        v = note("values, cut into heads (b h t k)", v)
        scores = note("scores (b h t t)", q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]))
        future = torch.ones(t, t, dtype=torch.bool).triu(1)
        scores = note("scores with the future hidden (b h t t)", scores.masked_fill(future, -math.inf))
        weights = note("weights (b h t t)", scores.softmax(-1))
        heads = note("results of the heads (b h t k)", weights @ v)
        merged = note("heads side by side (b t d)", heads.transpose(1, 2).reshape(b, t, d))
        return self.out(merged)


def attention(d, x):
    return Make("MultiHeadAttention", width=d.h * d.k, n_head=d.h).call(x=x)


@case("several heads", h=(2, 4), k=(2, 5), t=(2, 6), draws=9)
def several(d):
    return attention(d, d.normal("b t h*k"))


@case("any sizes", draws=9)
def any_sizes(d):
    return attention(d, d.normal("b t h*k"))


@case("one head", h=1, draws=6)
def one_head(d):
    return attention(d, d.normal("b t h*k"))


@case("large inputs", h=(2, 4), k=(2, 5), t=(3, 6), float32=False, gradient=False, draws=4)
def large(d):
    return attention(d, d.normal("b t h*k", std=60.0))


@case("called twice, with other lengths and batches", h=(2, 3), k=(2, 4), t=(2, 4), draws=3)
def twice(d):
    """A mask, or keys, kept from the first call must not be used in the second."""
    longer, other = (d.normal(f"{d.b + 1} {d.t + 2} h*k") for _ in range(2))
    return attention(d, d.normal("b t h*k")).call(x=longer).call(x=other).call(x=d.normal("b t h*k"))


@case("heads of one feature", h=(2, 4), k=1, t=(2, 5), draws=2)
def narrow(d):
    return attention(d, d.normal("b t h*k", std=2.0))


@case("many positions", h=2, k=3, b=2, t=37, draws=1)
def long(d):
    return attention(d, d.normal("b t h*k"))


@case(
    "scores of a million",
    b=2,
    h=2,
    k=3,
    t=6,
    float32=False,
    gradient=False,
    draws=2,
)
def huge(d):
    return attention(d, d.normal("b t h*k", std=1e3))


@law("positions see their future: another last position changes the results before it", t=(2, 6))
def causal(learner, d):
    x = d.normal("b t h*k")
    other = x.clone()
    other[:, -1] += 3
    make, seed = {"width": d.h * d.k, "n_head": d.h}, d.integer(0, 10**6)
    one = learner.perform(Make("MultiHeadAttention", **make).call(x=x), seed)
    two = learner.perform(Make("MultiHeadAttention", **make).call(x=other), seed)
    return near(one[:, :-1], two[:, :-1])


@law("sequences of a batch mix: a batch of {b} gives another result than its rows one by one", b=(2, 3))
def rows_alone(learner, d):
    x = d.normal("b t h*k")
    make, seed = {"width": d.h * d.k, "n_head": d.h}, d.integer(0, 10**6)
    whole = learner.perform(Make("MultiHeadAttention", **make).call(x=x), seed)
    rows = [learner.perform(Make("MultiHeadAttention", **make).call(x=x[i : i + 1]), seed) for i in range(d.b)]
    return near(whole, torch.cat(rows))

"""What is asked of the mask, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, note

ORDER = 6
ENTRIES = ("attention_mask",)
RETURNS = {"attention_mask": "b 1 t t"}
SIZES = {"b": (1, 4), "t": (1, 8)}


def attention_mask(lengths, t, left=False):
    position = torch.arange(t)
    real = position >= t - lengths[:, None] if left else position < lengths[:, None]
    real = note("real tokens (b t)", real)
    causal = note("causal triangle (t t)", torch.ones(t, t, dtype=torch.bool).tril())
    visible = note("pairs that may see each other (b t t)", causal & real[:, None])
    return (visible | torch.eye(t, dtype=torch.bool))[:, None]


@case("padding on the right", gradient=False, float32=False)
def right(d):
    return Call("attention_mask", lengths=d.integers("b", 0, "t+1"), t=d.t)


@case("padding on the left", gradient=False, float32=False)
def left(d):
    return Call("attention_mask", lengths=d.integers("b", 0, "t+1"), t=d.t, left=True)


@case("nothing padded", gradient=False, float32=False, draws=5)
def full(d):
    return Call("attention_mask", lengths=d.keep(torch.full((d.b,), d.t), "b"), t=d.t, left=d.choice([True, False]))


@case("lengths that all differ, none of them t", gradient=False, float32=False, draws=4, b=(2, 3), t=(4, 8))
def several(d):
    return Call("attention_mask", lengths=d.distinct("b", "t-1") + 1, t=d.t, left=bool(d.b % 2))


@case("many positions", gradient=False, float32=False, draws=1, b=2, t=(34, 48))
def long(d):
    return Call("attention_mask", lengths=d.integers("b", 20, "t"), t=d.t, left=d.choice([True, False]))


@law("a query sees the future", t=(2, 7))
def no_future(learner, d):
    mask = learner.attention_mask(d.integers("b", 0, "t+1"), d.t)
    return not bool(mask.triu(1).any())


@law("some query sees nothing at all: its row of the softmax is NaN")
def nobody_blind(learner, d):
    return all(
        bool(learner.attention_mask(d.integers("b", 0, "t+1"), d.t, side).any(-1).all()) for side in (False, True)
    )

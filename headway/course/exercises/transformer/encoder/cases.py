"""What is asked of the encoder layer, and the answer it is held against."""

import math

import torch
from torch import nn

from headway.learn.cases import Make, case, law, near, note

ORDER = 1
ENTRIES = ("EncoderLayer",)
RETURNS = {"EncoderLayer": "b t d"}
SIZES = {"b": (1, 3), "t": (1, 5), "h": (1, 3), "k": (2, 4), "f": (5, 9)}
WEIGHT_STD = 3.0  # so that the MLP meets numbers beyond 6, where some activations bend
FORBIDDEN = {
    "TransformerEncoderLayer": "it is the whole exercise in one call",
    "TransformerEncoder": "it is the whole exercise in one call",
    "MultiheadAttention": "use the attention you wrote, or F.scaled_dot_product_attention",
    "multi_head_attention_forward": "use the attention you wrote, or F.scaled_dot_product_attention",
}


class EncoderLayer(nn.Module):
    def __init__(self, width, n_head, ff_width):
        super().__init__()
        self.n_head = n_head
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.attn_norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, ff_width), nn.Linear(ff_width, width)
        self.mlp_norm = nn.LayerNorm(width)

    def forward(self, x, mask=None):
        q, k, v = (layer(x).unflatten(-1, (self.n_head, -1)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        scores = note("scores (b h t t)", q @ k.mT / math.sqrt(q.shape[-1]))
        if mask is not None:
            scores = note("scores with padding hidden (b h t t)", scores.masked_fill(~mask[:, None, None], -math.inf))
        heads = note("weights (b h t t)", scores.softmax(-1)) @ v
        attended = note("result of the attention", self.out(heads.transpose(1, 2).flatten(2)))
        x = note("stream after the attention, x + attention, normed", self.attn_norm(x + attended))
        changed = note("result of the MLP", self.down(note("hidden layer of the MLP", self.up(x).relu())))
        return self.mlp_norm(x + changed)


def layer(d):
    return Make("EncoderLayer", width=d.h * d.k, n_head=d.h, ff_width=d.f)


@case("no padding", b=2, t=(2, 5), h=(2, 3), k=2, f=5, draws=2)
def plain(d):
    return layer(d).call(x=d.normal("b t h*k", std=1.5))


@case("padding", b=(2, 3), t=(3, 5), h=2, k=3, f=6, draws=3)
def padded(d):
    return layer(d).call(x=d.normal("b t h*k", std=1.5), mask=d.mask("b t", keep=0.5))


@case(
    "large scores, with padding", b=2, t=(3, 5), h=2, k=2, f=5, draws=5, float32=False, gradient=False, tolerance=1e-6
)
def large(d):
    return layer(d).call(x=d.normal("b t h*k", std=30.0), mask=d.mask("b t", keep=0.5))


@case(
    "scores of a million",
    b=2, t=(4, 5), h=2, k=3, f=6, draws=1, float32=False, gradient=False, tolerance=1e-6,
)  # fmt: skip
def huge(d):
    return layer(d).call(x=d.normal("b t h*k", std=1e3), mask=d.mask("b t", keep=0.5))


@case("many positions", b=2, t=37, h=2, k=2, f=5, draws=1)
def long(d):
    return layer(d).call(x=d.normal("b t h*k"), mask=d.mask("b t", keep=0.6))


@case("called again, with other masks and lengths", b=2, t=4, h=2, k=3, f=5, draws=2)
def again(d):
    """A mask kept from an earlier call must not be used in a later one."""
    one = (
        layer(d)
        .call(x=d.normal("b t h*k"), mask=d.mask("b t", keep=0.5))
        .call(x=d.normal("b t h*k"), mask=d.mask("b t", keep=0.5))
    )
    return one.call(x=d.normal("b t h*k")).call(x=d.normal("3 t+2 h*k"), mask=d.mask("3 t+2", keep=0.5))


@case("any sizes", draws=2)
def any_sizes(d):
    return layer(d).call(x=d.normal("b t h*k"), mask=d.mask("b t"))


@law("padding has an effect on real tokens: other numbers there change their results", t=(2, 5))
def hidden(learner, d):
    x, seed = d.normal("b t h*k"), d.integer(0, 10**6)
    mask = torch.ones(d.shape("b t"), dtype=torch.bool)
    mask[:, -1] = False
    other = x.clone()
    other[:, -1] += 3
    one, two = (learner.perform(layer(d).call(x=y, mask=mask), seed) for y in (x, other))
    return near(one[:, :-1], two[:, :-1])


@law("positions have an order: x permuted gives another result than the result permuted", t=(2, 5))
def a_set(learner, d):
    x, seed, order = d.normal("b t h*k"), d.integer(0, 10**6), d.distinct("t", "t")
    one, two = (learner.perform(layer(d).call(x=y), seed) for y in (x, x[:, order]))
    return near(one[:, order], two)

"""What is asked of scaled dot-product attention, and the answer it is held against."""

import math

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 1
ENTRIES = ("attend",)
RETURNS = {"attend": "b h t w"}
SIZES = {"b": (1, 3), "h": (1, 4), "t": (1, 6), "s": (1, 7), "k": (1, 9), "w": (1, 8)}
FORBIDDEN = {
    "MultiheadAttention": "it is the whole exercise in one call",
    "multi_head_attention_forward": "it is the whole exercise in one call",
}
NOTED = {
    "scaled_dot_product_attention": "you call PyTorch's fused kernel. The numbers are right, and it is what the real "
    "models call; write the four lines once by hand as well, for the exercises after this one build on them.",
}


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    t, s = q.shape[-2], k.shape[-2]
    scores = note("scores q·k", q @ k.transpose(-2, -1))
    scores = note("scaled scores", scores * (1 / math.sqrt(q.shape[-1]) if scale is None else scale))
    visible = torch.ones(t, s, dtype=torch.bool) if mask is None else mask
    if causal:
        visible = visible & torch.ones(t, s, dtype=torch.bool).tril(s - t)
    scores = note("scores with what is hidden at minus infinity", scores.masked_fill(~visible, -math.inf))
    weights = note("weights", scores.softmax(-1))
    return weights @ v


def qkv(d, std=1.0):
    return {"q": d.normal("b h t k", std=std), "k": d.normal("b h s k", std=std), "v": d.normal("b h s w")}


@case("no mask")
def plain(d):
    return Call("attend", **qkv(d))


@case("a mask per batch row (b 1 1 s): padding")
def padding(d):
    return Call("attend", **qkv(d), mask=d.mask("b 1 1 s"))


@case("a mask per query and key (b h t s)")
def full_mask(d):
    return Call("attend", **qkv(d), mask=d.mask("b h t s"))


@case("a mask per query and key, as many queries as keys", t=(2, 5), draws=5)
def square_mask(d):
    q, k, v = d.normal("b h t k"), d.normal("b h t k"), d.normal("b h t w")
    return Call("attend", q=q, k=k, v=v, mask=d.mask("b h t t"))


@case("a mask for all heads and rows (1 1 t s)")
def shared_mask(d):
    return Call("attend", **qkv(d), mask=d.mask("1 1 t s"))


@case("causal, fewer queries than keys", t=(1, "s"))
def causal_cache(d):
    return Call("attend", **qkv(d), causal=True)


@case("causal, as many queries as keys", t=(1, 7))
def causal(d):
    return Call("attend", q=d.normal("b h t k"), k=d.normal("b h t k"), v=d.normal("b h t w"), causal=True)


@case("causal and a mask", t=(1, "s"))
def causal_and_mask(d):
    mask = d.mask("b 1 1 s")
    mask[..., 0] = True  # the first key is in nobody's future, so that every query sees one
    return Call("attend", **qkv(d), mask=mask, causal=True)


@case("a mask with two axes: (t s), or (1 s)", draws=6)
def flat_mask(d):
    return Call("attend", **qkv(d), mask=d.mask("t s") if d.integer(0, 1) else d.mask("1 s"))


@case("a mask per head (1 h t s), or per row and query (b 1 t 1)", draws=6)
def head_mask(d):
    mask = d.mask("1 h t s") if d.integer(0, 1) else d.keep(torch.ones(d.shape("b 1 t 1"), dtype=torch.bool), "b 1 t 1")
    return Call("attend", **qkv(d), mask=mask)


@case("a scale of its own")
def own_scale(d):
    return Call("attend", **qkv(d), scale=d.number(0.2, 2.0))


@case("a scale of 0: every visible key counts alike", draws=3, s=(2, 7))
def zero_scale(d):
    return Call("attend", **qkv(d), mask=d.mask("b 1 1 s"), scale=0.0)


@case("a negative scale", draws=3, s=(2, 7))
def negative_scale(d):
    return Call("attend", **qkv(d), scale=-d.number(0.2, 2.0))


@case("many heads, many positions", b=2, h=8, t=43, s=52, k=20, w=11, draws=1)
def many(d):
    return Call("attend", **qkv(d), causal=True)


@case("large scores, with a mask", float32=False, gradient=False, draws=6, t=(2, 5), s=(3, 7))
def large(d):
    tensors = qkv(d, std=300.0)
    return Call("attend", **tensors, mask=d.mask("b h t s", keep=0.5))


@law("the weights of a query do not add up to 1: with every v equal to 1, the result is not 1")
def rows_add_up(learner, d):
    v = torch.ones(d.shape("b h s w"), dtype=torch.float64)
    return near(learner.attend(d.normal("b h t k"), d.normal("b h s k"), v), torch.ones(d.shape("b h t w")))


@law("hidden keys have an effect: other values there change the result", s=(2, 7))
def hidden_stays_hidden(learner, d):
    q, k, v = d.normal("b h t k"), d.normal("b h s k"), d.normal("b h s w")
    mask = torch.ones(1, 1, 1, d.s, dtype=torch.bool)
    mask[..., -1] = False
    other = v.clone()
    other[:, :, -1] += 5
    return near(learner.attend(q, k, v, mask), learner.attend(q, k, other, mask))


@law("the order of the keys matters: keys and values permuted together change the result", s=(2, 7))
def keys_are_a_set(learner, d):
    q, k, v = d.normal("b h t k"), d.normal("b h s k"), d.normal("b h s w")
    order = d.distinct("s", "s")
    return near(learner.attend(q, k, v), learner.attend(q, k[:, :, order], v[:, :, order]))


def plug(task):
    """The learner's `attend` in a real model, which may share one key and value head among several query heads."""

    def attend(q, k, v, mask=None, *, causal=False, scale=None):
        shared = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1)
        return task.attend(q, k, v, mask, causal=causal, scale=scale)

    return {"headway.blocks.attention.attend": attend}

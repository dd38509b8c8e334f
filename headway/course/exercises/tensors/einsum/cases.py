"""What is asked of the contractions, and the answer they are held against."""

import torch

from headway.learn.cases import Call, case, law, near

ORDER = 3
ENTRIES = ("split_heads", "merge_heads", "bilinear")
RETURNS = {"split_heads": "b h t k", "merge_heads": "b t d", "bilinear": "b o"}
SIZES = {"b": (1, 3), "h": (1, 4), "t": (1, 6), "d": (1, 7), "k": (1, 5), "i": (1, 5), "j": (1, 6), "o": (1, 4)}


def split_heads(x, weight):
    return torch.einsum("btd,hdk->bhtk", x, weight)


def merge_heads(x, weight):
    return torch.einsum("bhtk,hkd->btd", x, weight)


def bilinear(x, weight, y):
    return torch.einsum("bi,oij,bj->bo", x, weight, y)


@case("heads apart")
def apart(d):
    return Call("split_heads", x=d.normal("b t d"), weight=d.normal("h d k"))


@case("heads apart, all sizes equal", d=(2, 4), draws=6)
def apart_square(d):
    return Call("split_heads", x=d.normal("d d d"), weight=d.normal("d d d"))


@case("heads together")
def together(d):
    return Call("merge_heads", x=d.normal("b h t k"), weight=d.normal("h k d"))


@case("heads together, all sizes equal", d=(2, 4), draws=6)
def together_square(d):
    return Call("merge_heads", x=d.normal("d d d d"), weight=d.normal("d d d"))


@case("a bilinear form")
def form(d):
    return Call("bilinear", x=d.normal("b i"), weight=d.normal("o i j"), y=d.normal("b j"))


@case("a bilinear form, all sizes equal", d=(2, 4), draws=6)
def form_square(d):
    return Call("bilinear", x=d.normal("d d"), weight=d.normal("d d d"), y=d.normal("d d"))


@law("one head's matrix has an effect on another head's result", h=(2, 4))
def heads_apart(learner, d):
    x, weight = d.normal("b t d"), d.normal("h d k")
    other = weight.clone()
    other[-1] += 1
    return near(learner.split_heads(x, weight)[:, :-1], learner.split_heads(x, other)[:, :-1])


@law("positions are mixed up: the last position of x changes the result of the first", t=(2, 6))
def positions_apart(learner, d):
    x, weight = d.normal("b h t k"), d.normal("h k d")
    other = x.clone()
    other[:, :, -1] += 1
    return near(learner.merge_heads(x, weight)[:, 0], learner.merge_heads(other, weight)[:, 0])


@law("x W y is linear in y: with twice the y it has to be twice as large")
def linear_in_y(learner, d):
    x, weight, y = d.normal("b i"), d.normal("o i j"), d.normal("b j")
    return near(learner.bilinear(x, weight, 2 * y), 2 * learner.bilinear(x, weight, y))

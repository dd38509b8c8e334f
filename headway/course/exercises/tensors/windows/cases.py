"""What is asked of sliding windows, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 2
ENTRIES = ("windows",)
RETURNS = {"windows": "b n width"}
SIZES = {"b": (1, 3), "c": (1, 4), "w": (1, "t"), "t": (1, 12), "step": (1, 4)}


def windows(x, width, step=1):
    starts = note("list of the starts", list(range(0, x.shape[-1] - width + 1, step)))
    return torch.stack([x[..., start : start + width] for start in starts], dim=-2)


@case("one axis, step 1")
def plain(d):
    return Call("windows", x=d.normal("t"), width=d.w)


@case("a batch, step 1", t=(4, 12))
def batch(d):
    return Call("windows", x=d.normal("b t"), width=d.w)


@case("a step of its own", t=(5, 14), step=(2, 4), w=(2, 5))
def stepped(d):
    return Call("windows", x=d.normal("b t"), width=d.w, step=d.step)


@case("three axes", t=(6, 12), w=(2, 5))
def three(d):
    return Call("windows", x=d.normal("b c t"), width=d.w, step=d.step)


@case("five axes", t=(4, 8), w=(2, 4), draws=4)
def five(d):
    return Call("windows", x=d.normal("b c 2 b t"), width=d.w, step=d.step)


@case("a step longer than the window", t=(7, 14), w=(1, 2), step=(3, 5), draws=6)
def gaps(d):
    return Call("windows", x=d.normal("b t"), width=d.w, step=d.step)


@case("whole numbers", t=(5, 9), w=(2, 5), gradient=False, float32=False)
def whole_numbers(d):
    return Call("windows", x=d.integers("b t", 0, 100), width=d.w, step=d.step)


@law(
    "the windows at step 1 do not start with x itself: the first places of the windows are x, in order",
    t=(3, 9),
    w=(1, 3),
)
def first_places(learner, d):
    x = d.normal("b t")
    return near(learner.windows(x, d.w)[..., 0], x[:, : d.t - d.w + 1])


@law("a window as long as x has to be x, once", t=(2, 9))
def whole(learner, d):
    x = d.normal("b t")
    return near(learner.windows(x, d.t, d.step), x[:, None])

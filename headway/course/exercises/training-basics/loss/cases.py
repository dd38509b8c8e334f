"""What is asked of cross-entropy, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 1
ENTRIES = ("cross_entropy",)
SIZES = {"b": (1, 3), "t": (1, 5), "v": (1, 8)}
FORBIDDEN = {
    **dict.fromkeys(
        ("cross_entropy", "cross_entropy_loss", "CrossEntropyLoss", "linear_cross_entropy", "LinearCrossEntropyLoss"),
        "it is the whole exercise in one call",
    ),
    **dict.fromkeys(
        ("nll_loss", "nll_loss_nd", "nll_loss_forward", "nll_loss2d", "nll_loss2d_forward", "NLLLoss", "NLLLoss2d"),
        "it is half of the exercise in one call",
    ),
    **dict.fromkeys(
        ("Categorical", "OneHotCategorical", "OneHotCategoricalStraightThrough", "Multinomial"),
        "its log_prob is the exercise in one call",
    ),
    **dict.fromkeys(("kl_div", "KLDivLoss"), "with one-hot targets it is the exercise in one call"),
    **dict.fromkeys(("ctc_loss", "CTCLoss", "_ctc_loss"), "with texts of one token it is the exercise in one call"),
    "AdaptiveLogSoftmaxWithLoss": "it is most of the exercise in one call",
}


def cross_entropy(logits, targets, *, ignore=-100):
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    counts = targets != ignore
    log_p = note("log p of all classes", logits.log_softmax(-1))
    at_target = log_p.gather(-1, targets.masked_fill(~counts, 0)[..., None])[..., 0]
    losses = note("losses of the targets, 0 where they do not count", -at_target.masked_fill(~counts, 0.0))
    return losses.sum() / note("number of the targets that count", counts.sum()).clamp(min=1)


def some_ignored(d, ignore, axes="b t"):
    targets = d.integers(axes, 0, "v")
    hidden = ~d.mask(axes, keep=0.5)
    hidden.view(-1)[d.integer(0, hidden.numel() - 1)] = False
    return d.keep(targets.masked_fill(hidden, ignore), axes)


@case("logits (b t v)", draws=8)
def sequence(d):
    return Call("cross_entropy", logits=d.normal("b t v"), targets=d.integers("b t", 0, "v"))


@case("logits (b v)", draws=6)
def rows(d):
    return Call("cross_entropy", logits=d.normal("b v"), targets=d.integers("b", 0, "v"))


@case("as many positions as classes", draws=6, v=1, t=(2, 5))
def square(d):
    return Call("cross_entropy", logits=d.normal("b t t", std=2.0), targets=d.integers("b t", 0, "t"))


@case("targets that do not count", draws=9, t=(2, 5))
def ignored(d):
    return Call("cross_entropy", logits=d.normal("b t v"), targets=some_ignored(d, -100))


@case("an `ignore` of its own, 0 say", draws=7, t=(2, 5), v=(2, 8))
def own_ignore(d):
    ignore = d.choice([0, 1, -1])
    return Call("cross_entropy", logits=d.normal("b t v"), targets=some_ignored(d, ignore), ignore=ignore)


@case("no target that counts", draws=4)
def none(d):
    return Call("cross_entropy", logits=d.normal("b t v"), targets=d.keep(torch.full(d.shape("b t"), -100), "b t"))


@case("large logits", float32=False, gradient=False, draws=6, v=(3, 8), tolerance=1e-6)
def large(d):
    return Call("cross_entropy", logits=d.normal("b t v", std=900.0), targets=some_ignored(d, -100))


@case("rows of very different size", float32=False, gradient=False, draws=6, v=(3, 8), t=(3, 5), tolerance=1e-5)
def uneven(d):
    logits = d.normal("b t v", std=3.0) + 2000.0 * torch.randperm(d.t, generator=d.generator)[:, None]
    return Call("cross_entropy", logits=d.keep(logits, "b t v"), targets=d.integers("b t", 0, "v"))


@case("four axes (b 2 t v)", draws=4)
def four_axes(d):
    return Call("cross_entropy", logits=d.normal("b 2 t v"), targets=some_ignored(d, -100, "b 2 t"))


@case("the first class and the last are right, others are padding", draws=5, t=(2, 5), v=(2, 6))
def first_or_last(d):
    targets = d.integers("b t", 0, 2) * (d.v - 1)
    return Call("cross_entropy", logits=d.normal("b t v"), targets=d.keep(targets, "b t"), ignore=d.choice([-100, -1]))


@case("float16", gradient=False, float32=False, layouts=False, draws=3, b=(2, 3), t=(3, 5), v=(3, 8), tolerance=1e-4)
def float16(d):
    return Call("cross_entropy", logits=d.normal("b t v").half(), targets=d.integers("b t", 0, "v"))


@case("bfloat16", gradient=False, float32=False, layouts=False, draws=5, b=(2, 3), t=(3, 5), v=(3, 8), tolerance=1e-4)
def bfloat16(d):
    return Call("cross_entropy", logits=d.normal("b t v").bfloat16(), targets=d.integers("b t", 0, "v"))


@law("a model that knows nothing, with all logits equal, has another loss than log v", v=(2, 8))
def ignorance(learner, d):
    logits = torch.full(d.shape("b t v"), 3.0, dtype=torch.float64)
    return near(learner.cross_entropy(logits, d.integers("b t", 0, "v")), torch.tensor(float(d.v)).double().log())


@law("a number added to all logits changes the loss: only their differences may count", v=(2, 8))
def shift(learner, d):
    logits, targets = d.normal("b t v"), d.integers("b t", 0, "v")
    return near(learner.cross_entropy(logits, targets), learner.cross_entropy(logits + 1000, targets), 1e-8)

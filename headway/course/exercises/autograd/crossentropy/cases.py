"""What is asked of the backward of cross-entropy, and the answer it is held against."""

import torch
import torch.nn.functional as F

from headway.learn.cases import AUTOGRAD, Call, case, law, near, note

ORDER = 5
ENTRIES = ("cross_entropy_backward",)
RETURNS = {"cross_entropy_backward": "b t v"}
SIZES = {"b": (1, 4), "t": (1, 5), "v": (2, 7)}
FORBIDDEN = dict.fromkeys(AUTOGRAD, "the gradient is to be written as a formula, without autograd")


def cross_entropy_backward(logits, targets, *, ignore=-100, smoothing=0.0):
    v = logits.shape[-1]
    counts = targets != ignore
    believed = note("probabilities", logits.softmax(-1))
    truth = F.one_hot(targets.masked_fill(~counts, 0), v).to(logits.dtype)
    truth = note("targets as probabilities", truth * (1 - smoothing) + smoothing / v)
    return note("differences", believed - truth) * counts.unsqueeze(-1) / counts.sum()


@case("a batch of sequences", gradient=False)
def plain(d):
    return Call("cross_entropy_backward", logits=d.normal("b t v"), targets=d.integers("b t", 0, "v"))


@case("rows without an axis for positions", gradient=False, draws=8)
def rows(d):
    return Call("cross_entropy_backward", logits=d.normal("b v"), targets=d.integers("b", 0, "v"))


# exp(logits - logsumexp) is right as well, and loses as many digits as the logits have before the point.
@case("logits far from 0", gradient=False, float32=False, tolerance=1e-5, draws=6, v=(2, 8))
def far(d):
    logits = d.keep(d.normal("b t v", std=2.0) + 1e9, "b t v")
    return Call("cross_entropy_backward", logits=logits, targets=d.integers("b t", 0, "v"))


@case("targets that do not count", gradient=False, t=(2, 6))
def padded(d):
    targets = d.integers("b t", 0, "v")
    targets[~d.mask("b t", keep=0.5)] = -100
    return Call("cross_entropy_backward", logits=d.normal("b t v"), targets=targets)


@case("an `ignore` of its own", gradient=False, t=(3, 6), v=(3, 7))
def own_ignore(d):
    targets = d.integers("b t", 1, "v")
    targets[~d.mask("b t", keep=0.6)] = 0
    return Call("cross_entropy_backward", logits=d.normal("b t v"), targets=targets, ignore=0)


@case("an `ignore` that is a class, and not the first", gradient=False, t=(4, 6), v=(3, 7), draws=4)
def class_ignored(d):
    """The other classes count, the first and those below `ignore` with them."""
    targets = d.integers("b t", 0, "v")
    targets[:, 0], targets[:, 1] = 0, d.v - 2
    return Call("cross_entropy_backward", logits=d.normal("b t v"), targets=targets, ignore=d.v - 2)


@case("one target that counts", gradient=False, t=(2, 5), draws=6)
def one_counts(d):
    targets = d.integers("b t", 0, "v").flatten().index_fill(0, d.distinct("b*t-1", "b*t"), -100)
    return Call("cross_entropy_backward", logits=d.normal("b t v"), targets=d.keep(targets.view(d.b, d.t), "b t"))


@case("only the first class and the last are right", gradient=False, draws=6)
def first_or_last(d):
    targets = d.keep(d.integers("b t", 0, 2) * (d.v - 1), "b t")
    return Call("cross_entropy_backward", logits=d.normal("b t v"), targets=targets)


@case("four axes", gradient=False, draws=4)
def four_axes(d):
    targets = d.integers("b t 2", 0, "v")
    targets[~d.mask("b t 2", keep=0.7)] = -100
    return Call("cross_entropy_backward", logits=d.normal("b t 2 v"), targets=targets, smoothing=d.choice([0.0, 0.2]))


@case("a smoothing of 1", gradient=False, draws=3)
def smoothed_away(d):
    given = {"logits": d.normal("b t v"), "targets": d.integers("b t", 0, "v")}
    return Call("cross_entropy_backward", **given, smoothing=1.0)


@case("label smoothing", gradient=False)
def smoothed(d):
    given = {"logits": d.normal("b t v"), "targets": d.integers("b t", 0, "v")}
    return Call("cross_entropy_backward", **given, smoothing=d.choice([0.03, 0.06, d.number(0.15, 0.5)]))


@case("label smoothing and targets that do not count", gradient=False, t=(2, 6))
def both(d):
    targets = d.integers("b t", 0, "v")
    targets[~d.mask("b t", keep=0.5)] = -100
    return Call("cross_entropy_backward", logits=d.normal("b t v"), targets=targets, smoothing=0.1)


@case("large logits", gradient=False, float32=False, draws=6)
def large(d):
    return Call("cross_entropy_backward", logits=d.normal("b t v", std=900.0), targets=d.integers("b t", 0, "v"))


@law("the gradient of a row does not add up to 0: a number added to all its logits changes nothing in the loss")
def adds_up_to_zero(learner, d):
    out = learner.cross_entropy_backward(d.normal("b t v"), d.integers("b t", 0, "v"))
    return near(out.sum(-1), torch.zeros(d.b, d.t, dtype=torch.float64))


@law("twice the batch, the same rows again, does not halve the gradient of each: it is a mean that is differentiated")
def mean_of_the_batch(learner, d):
    logits, targets = d.normal("b t v"), d.integers("b t", 0, "v")
    twice = learner.cross_entropy_backward(torch.cat((logits, logits)), torch.cat((targets, targets)))
    return near(2 * twice[: d.b], learner.cross_entropy_backward(logits, targets))

"""What is asked of label smoothing, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 3
ENTRIES = ("cross_entropy",)
SIZES = {"n": (1, 6), "v": (2, 8)}
FORBIDDEN = {
    "cross_entropy": "it has a label_smoothing of its own",
    "CrossEntropyLoss": "it has a label_smoothing of its own",
    "cross_entropy_loss": "it has a label_smoothing of its own",
}


def cross_entropy(logits, targets, *, smoothing=0.0):
    counts = targets != -100
    log_p = note("log p of all classes", logits.log_softmax(-1))
    at_target = log_p.gather(-1, targets.clamp(min=0)[:, None])[:, 0]
    losses = -((1 - smoothing) * at_target + smoothing * log_p.mean(-1))
    return note("losses of the targets, 0 where they do not count", losses.masked_fill(~counts, 0.0)).sum()


def some(d):
    targets = d.integers("n", 0, "v")
    hidden = ~d.mask("n", keep=0.5)
    hidden[d.integer(0, d.n - 1)] = False
    return d.keep(targets.masked_fill(hidden, -100), "n")


@case("no smoothing", draws=6)
def plain(d):
    return Call("cross_entropy", logits=d.normal("n v", std=2.0), targets=d.integers("n", 0, "v"))


@case("smoothed", draws=8)
def smoothed(d):
    return Call(
        "cross_entropy", logits=d.normal("n v", std=2.0), targets=d.integers("n", 0, "v"), smoothing=d.number(0.05, 0.4)
    )


@case("smoothed, with targets that do not count", n=(3, 6), v=(3, 8), draws=8)
def ignored(d):
    return Call("cross_entropy", logits=d.normal("n v", std=2.0), targets=some(d), smoothing=d.number(0.05, 0.4))


@case("smoothed a great deal", n=(2, 6), v=(3, 8), draws=4)
def strongly(d):
    return Call("cross_entropy", logits=d.normal("n v", std=2.0), targets=some(d), smoothing=d.number(0.5, 0.95))


@case("smoothing of 1: the target gets no more than the others", n=(2, 6), v=(3, 8), draws=2)
def entirely(d):
    return Call("cross_entropy", logits=d.normal("n v", std=2.0), targets=d.integers("n", 0, "v"), smoothing=1.0)


@case("many targets of many classes", n=40, v=60, draws=1)
def many(d):
    return Call("cross_entropy", logits=d.normal("n v", std=2.0), targets=some(d), smoothing=0.1)


@case("only the first and the last class are targets", n=(3, 6), v=(3, 8), draws=3)
def outermost(d):
    targets = d.integers("n", 0, 2) * (d.v - 1)
    return Call("cross_entropy", logits=d.normal("n v"), targets=d.keep(targets, "n"), smoothing=d.number(0.05, 0.4))


@case("logits of a hundred thousand", float32=False, gradient=False, draws=3, v=(3, 8))
def huge(d):
    return Call("cross_entropy", logits=d.normal("n v", std=1e5), targets=some(d), smoothing=0.1)


@case("no target that counts", draws=4)
def none(d):
    return Call("cross_entropy", logits=d.normal("n v"), targets=d.keep(torch.full((d.n,), -100), "n"), smoothing=0.1)


@case("large logits", float32=False, gradient=False, draws=5, v=(3, 8))
def large(d):
    return Call("cross_entropy", logits=d.normal("n v", std=900.0), targets=some(d), smoothing=0.1)


@law("with all logits equal the loss of a target is not log v: q does not add up to 1", v=(2, 8))
def adds_up(learner, d):
    logits = torch.zeros(d.shape("n v"), dtype=torch.float64)
    loss = learner.cross_entropy(logits, d.integers("n", 0, "v"), smoothing=0.3)
    return near(loss, d.n * torch.tensor(float(d.v), dtype=torch.float64).log())


@law("rows that do not count have an effect", n=(2, 6))
def silent(learner, d):
    logits, targets = d.normal("n v"), d.integers("n", 0, "v")
    targets[0] = -100
    return near(
        learner.cross_entropy(logits, targets, smoothing=0.2),
        learner.cross_entropy(logits[1:], targets[1:], smoothing=0.2),
    )

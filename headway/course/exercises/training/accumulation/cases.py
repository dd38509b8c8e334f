"""What is asked of gradient accumulation, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 1
ENTRIES = ("accumulate", "train_step")
RETURNS = {"accumulate": ", d v", "train_step": "d v"}
SIZES = {"d": (1, 5), "v": (2, 6), "n": (1, 6), "parts": (1, 4)}


def accumulate(weight, parts):
    total, gradient, count = torch.zeros((), dtype=weight.dtype), torch.zeros_like(weight), 0
    for x, targets in parts:
        kept = targets != -100
        logits, wanted = x[kept] @ weight, targets[kept]
        total = total + (logits.logsumexp(-1) - logits.gather(1, wanted[:, None])[:, 0]).sum()
        logits = note("logits of a part", logits)
        error = logits.softmax(-1) - torch.nn.functional.one_hot(wanted, weight.shape[1])
        gradient = gradient + x[kept].T @ error
        count += len(wanted)
    total = note("sum of the losses of all parts", total)
    gradient = note("sum of the gradients of all parts, before it is divided", gradient)
    return total / max(count, 1), gradient / max(count, 1)


def train_step(weight, parts, *, lr, clip):
    gradient = note("gradient of the large batch", accumulate(weight, parts)[1])
    norm = note("norm of the gradient", gradient.norm())
    return weight - lr * (gradient * (clip / norm) if norm > clip else gradient)


def part(d, rows, share):
    """`rows` examples, of which about `share` count."""
    targets = torch.randint(0, d.v, (rows,), generator=d.generator)
    hidden = torch.rand(rows, generator=d.generator) > share
    return d.normal(f"{rows} d"), targets.masked_fill(hidden, -100)


def uneven(d, least=1):
    """Parts of different size and with different shares of targets that count; the first has one at least."""
    found = [part(d, d.integer(1, 6), d.choice([0.3, 0.6, 1.0])) for _ in range(max(least, d.parts))]
    x, targets = found[0]
    targets[0] = d.integer(0, d.v - 1)
    return [(x, targets), *found[1:]]


def plain(name, draws, **sizes):
    return case(name, gradient=False, draws=draws, **sizes)


@plain("equal parts, every target counts", 5)
def equal(d):
    return Call("accumulate", weight=d.normal("d v"), parts=[part(d, d.n, 1.0) for _ in range(d.parts)])


@plain("parts of different size, every target counts", 6, parts=(2, 4))
def sizes(d):
    parts = [part(d, n + 1, 1.0) for n in range(d.parts)]
    return Call("accumulate", weight=d.normal("d v"), parts=parts)


@plain("large logits", 4, parts=(1, 3), v=(3, 5), float32=False, tolerance=1e-6)
def large(d):
    return Call("accumulate", weight=d.normal("d v", std=900.0), parts=uneven(d))


@plain("targets that do not count", 8, parts=(2, 4))
def ignored(d):
    return Call("accumulate", weight=d.normal("d v"), parts=uneven(d))


@plain("a part without a target that counts", 5, parts=(1, 3))
def empty_part(d):
    return Call("accumulate", weight=d.normal("d v"), parts=[*uneven(d), part(d, 3, 0.0)])


@plain("no target that counts at all", 4)
def nothing(d):
    return Call("accumulate", weight=d.normal("d v"), parts=[part(d, 2, 0.0) for _ in range(d.parts)])


@plain("only the first class is right", 3, parts=(1, 3))
def first_class(d):
    parts = [(x, torch.where(targets == -100, -100, 0)) for x, targets in uneven(d)]
    return Call("accumulate", weight=d.normal("d v"), parts=parts)


@plain("many parts", 2, parts=(6, 8))
def many_parts(d):
    return Call("accumulate", weight=d.normal("d v"), parts=uneven(d))


@plain("a step whose gradient is a little above the limit", 4, parts=(2, 3), d=(2, 4))
def barely(d):
    weight, parts = d.normal("d v"), uneven(d, 2)
    norm = float(accumulate(weight, parts)[1].norm())
    return Call("train_step", weight=weight, parts=parts, lr=d.number(0.1, 1.0), clip=norm * d.number(0.8, 0.95))


@plain("a step whose gradient is a little below the limit", 4, parts=(2, 3), d=(2, 4))
def not_quite(d):
    weight, parts = d.normal("d v"), uneven(d, 2)
    norm = float(accumulate(weight, parts)[1].norm())
    return Call("train_step", weight=weight, parts=parts, lr=d.number(2.0, 4.0), clip=norm * d.number(1.05, 1.2))


@plain("a small gradient, clipped further", 3, parts=(2, 3), d=(2, 4), float32=False)
def small(d):
    """A small number added to the norm would show."""
    parts = [(d.keep(x * 1e-5, ""), targets) for x, targets in uneven(d, 2)]
    return Call("train_step", weight=d.normal("d v"), parts=parts, lr=1e5, clip=1e-7)


@plain("a step, clipped", 7, parts=(2, 4), d=(2, 5))
def clipped(d):
    return Call(
        "train_step", weight=d.normal("d v"), parts=uneven(d, 2), lr=d.number(0.1, 1.0), clip=d.number(0.02, 0.1)
    )


@plain("a step that need not be clipped", 7, parts=(2, 4), d=(2, 5))
def free(d):
    return Call("train_step", weight=d.normal("d v"), parts=uneven(d, 2), lr=d.number(0.1, 1.0), clip=100.0)


@plain("a step without a target", 3)
def still(d):
    parts = [part(d, 2, 0.0) for _ in range(d.parts)]
    return Call("train_step", weight=d.normal("d v"), parts=parts, lr=0.5, clip=1.0)


@law("the gradient depends on how the batch is cut into parts", n=(3, 6), parts=2)
def cuts(learner, d):
    weight, (x, targets) = d.normal("d v"), part(d, d.n, 1.0)
    targets[0] = -100
    whole, cut = [(x, targets)], [(x[:1], targets[:1]), (x[1:2], targets[1:2]), (x[2:], targets[2:])]
    return near(learner.accumulate(weight, whole)[1], learner.accumulate(weight, cut)[1])

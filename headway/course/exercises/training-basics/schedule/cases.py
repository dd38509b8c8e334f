"""What is asked of the schedules, and the answer they are held against."""

import math

from headway.learn.cases import Call, case, law, near, note

ORDER = 2
ENTRIES = ("cosine", "inverse_sqrt")
SIZES = {"n": (1, 9), "w": (2, 20), "more": (3, 60)}


def cosine(step, *, steps, warmup, floor=0.0):
    if step <= warmup:
        return note("part of the warm-up that is done", step / warmup)
    done = note("part of the decay that is done", min(1.0, (step - warmup) / max(1, steps - warmup)))
    return floor + (1 - floor) * note("half a cosine, from 1 to 0", 0.5 * (1 + math.cos(math.pi * done)))


def inverse_sqrt(step, *, warmup):
    warmup = max(warmup, 1)
    return min(
        note("warm-up, step / warmup", step / warmup), note("decay, sqrt(warmup / step)", math.sqrt(warmup / step))
    )


def plain(name, draws, **sizes):
    return case(name, gradient=False, float32=False, layouts=False, draws=draws, **sizes)


def run(d, step, floor=0.0, warmup=None):
    return Call("cosine", step=step, steps=d.w + d.more, warmup=d.w if warmup is None else warmup, floor=floor)


@plain("cosine: within the warm-up", 6)
def rising(d):
    return run(d, d.integer(1, d.w - 1))


@plain("cosine: the first step", 4)
def first(d):
    return run(d, 1)


@plain("cosine: at the end of the warm-up", 4)
def peak(d):
    return run(d, d.w)


@plain("cosine: on the way down", 7)
def falling(d):
    return run(d, d.integer(d.w + 1, d.w + d.more - 1))


@plain("cosine: on the way down to a floor", 7)
def falling_to_floor(d):
    return run(d, d.integer(d.w + 1, d.w + d.more - 1), floor=d.number(0.05, 0.3))


@plain("cosine: within the warm-up, with a floor", 5)
def rising_with_floor(d):
    return run(d, d.integer(1, d.w - 1), floor=d.number(0.05, 0.3))


@plain("cosine: within the warm-up, below a high floor", 3)
def rising_below_floor(d):
    """The floor is one of the way down: it does not hold the warm-up up."""
    return run(d, 1, floor=d.number(0.4, 0.6), warmup=d.w + 3)


@plain("cosine: within a long warm-up", 3)
def long_warmup(d):
    return Call("cosine", step=d.integer(1, 1_999), steps=100_000, warmup=2_000)


@plain("cosine: the last step", 4)
def final(d):
    return run(d, d.w + d.more, floor=d.choice([0.0, 0.1]))


@plain("cosine: beyond the last step", 5)
def beyond(d):
    return run(d, d.w + d.more + d.integer(1, 30), floor=d.choice([0.0, 0.1]))


@plain("cosine: far beyond the last step", 4)
def far_beyond(d):
    return run(d, (d.w + d.more) * d.integer(3, 50), floor=d.choice([0.0, 0.1]))


@plain("cosine: a warm-up of one step", 5)
def one_warmup(d):
    return run(d, d.integer(1, d.w + d.more), floor=d.choice([0.0, 0.2]), warmup=1)


@plain("cosine: no warm-up, the first step", 3)
def no_warmup_first(d):
    return run(d, 1, warmup=0)


@plain("cosine: no warm-up, beyond the last step", 3)
def no_warmup_beyond(d):
    return run(d, d.w + d.more + d.n, floor=0.1, warmup=0)


@plain("cosine: a long run", 5)
def long(d):
    return Call("cosine", step=d.integer(5_000, 99_000), steps=100_000 + d.n, warmup=2_000, floor=d.choice([0.0, 0.1]))


@plain("cosine: no warm-up", 5)
def no_warmup(d):
    return run(d, d.integer(1, d.w + d.more), warmup=0)


@plain("cosine: a warm-up as long as the run", 4)
def all_warmup(d):
    return Call("cosine", step=d.w + d.n, steps=d.w, warmup=d.w, floor=0.1)


@plain("inverse square root: within the warm-up", 5)
def root_rising(d):
    return Call("inverse_sqrt", step=d.integer(1, d.w - 1), warmup=d.w)


@plain("inverse square root: at the end of the warm-up", 4)
def root_peak(d):
    return Call("inverse_sqrt", step=d.w, warmup=d.w)


@plain("inverse square root: after it", 7)
def root_falling(d):
    return Call("inverse_sqrt", step=d.w + d.integer(1, 500), warmup=d.w)


@plain("inverse square root: long after it", 4)
def root_long(d):
    return Call("inverse_sqrt", step=d.w * d.integer(1_000, 100_000), warmup=d.w)


@plain("inverse square root: a warm-up of one step", 4)
def root_one(d):
    return Call("inverse_sqrt", step=d.n, warmup=1)


@plain("inverse square root: no warm-up", 4)
def root_no_warmup(d):
    return Call("inverse_sqrt", step=d.n, warmup=0)


@law(
    "the cosine jumps where the warm-up ends: at step warmup it has to be 1, and one step later hardly less",
    more=(40, 60),
)
def no_jump(learner, d):
    after = learner.cosine(d.w + 1, steps=d.w + d.more, warmup=d.w)
    return near(learner.cosine(d.w, steps=d.w + d.more, warmup=d.w), 1.0) and 0.99 < after < 1


@law("the inverse square root does not halve from one step to the fourfold one")
def halves(learner, d):
    one, two = learner.inverse_sqrt(3 * d.w, warmup=d.w), learner.inverse_sqrt(12 * d.w, warmup=d.w)
    return near(one, 2 * two)

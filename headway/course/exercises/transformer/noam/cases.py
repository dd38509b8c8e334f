"""What is asked of the schedule of 2017, and the answer it is held against."""

from headway.learn.cases import Call, case, law, near, note

ORDER = 4
ENTRIES = ("attention_is_all_you_need", "warmup_for")
SIZES = {"width": (2, 1024), "warmup": (3, 400)}


def attention_is_all_you_need(step, *, width, warmup):
    decay = note("decay, step^-1/2", step**-0.5)
    return note("factor of the width", width**-0.5) * min(
        decay, note("warm-up, step · warmup^-3/2", step * warmup**-1.5)
    )


def warmup_for(peak, *, width):
    return 1 / (width * peak**2)


def at(d, step):
    return Call("attention_is_all_you_need", step=step, width=d.width, warmup=d.warmup)


def plain(name, draws):
    return case(name, gradient=False, float32=False, layouts=False, draws=draws)


@plain("the first step", 5)
def first(d):
    return at(d, 1)


@plain("within the warm-up", 7)
def rising(d):
    return at(d, d.integer(2, d.warmup - 1))


@plain("at the peak", 5)
def peak(d):
    return at(d, d.warmup)


@plain("after the warm-up", 7)
def falling(d):
    return at(d, d.warmup + d.integer(1, 5000))


@plain("the first step of a warm-up of one", 2)
def one_and_one(d):
    return Call("attention_is_all_you_need", step=1, width=d.width, warmup=1)


@plain("long after the warm-up", 2)
def late(d):
    step, warmup = d.integer(20000, 300000), d.integer(1, 4000)
    return Call("attention_is_all_you_need", step=step, width=d.width, warmup=warmup)


@plain("a warm-up that is no whole number, as `warmup_for` gives it", 3)
def fractional(d):
    warmup = d.integer(2, 9) + d.number(0.4, 0.6)
    return Call("attention_is_all_you_need", step=d.choice([1, 2]), width=d.width, warmup=warmup)


@plain("a warm-up of a step or two", 6)
def short(d):
    return Call(
        "attention_is_all_you_need", step=d.choice([1, 2, d.integer(3, 300000)]), width=d.width, warmup=d.choice([1, 2])
    )


@plain("the paper's sizes", 4)
def papers(d):
    step = d.choice([1, 100, 3999, 4000, 4001, 100_000, 300_000])
    return Call("attention_is_all_you_need", step=step, width=d.choice([512, 1024]), warmup=4000)


@plain("a long warm-up", 3)
def patient(d):
    step = d.choice([1, d.integer(2, 15_000), 16_000, d.integer(16_001, 900_000)])
    return Call("attention_is_all_you_need", step=step, width=d.width, warmup=16_000)


@plain("a hundred million steps", 2)
def endless(d):
    return Call("attention_is_all_you_need", step=d.integer(10**8, 10**9), width=d.width, warmup=d.warmup)


@plain("the warm-up for a small peak", 3)
def small_peak(d):
    return Call("warmup_for", peak=d.number(1e-6, 5e-4), width=d.width)


@plain("the warm-up for a peak", 7)
def turned_round(d):
    return Call("warmup_for", peak=d.number(1e-4, 0.1), width=d.width)


@law("the peak is not at step {warmup}: one step before or after it the learning rate is greater")
def top(learner, d):
    before, here, after = (
        learner.attention_is_all_you_need(d.warmup + n, width=d.width, warmup=d.warmup) for n in (-1, 0, 1)
    )
    return before < here and after < here


@law("a model of four times the width does not have half the learning rate")
def width(learner, d):
    one, two = (learner.attention_is_all_you_need(d.warmup, width=w, warmup=d.warmup) for w in (d.width, 4 * d.width))
    return near(one, 2 * two)

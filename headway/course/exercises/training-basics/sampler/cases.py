"""What is asked of windows and batches, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law

ORDER = 3
ENTRIES = ("split", "starts", "windows", "batches")
RETURNS = {"windows": "m c, m c"}
SIZES = {"m": (1, 6), "c": (2, 6), "r": (1, 6), "n": (2, 20), "size": (1, 6), "world": (1, 4)}


def split(ids, n_held_out):
    cut = len(ids) - n_held_out
    return ids[:cut], ids[cut:]


def starts(n, context, offset=0):
    return torch.arange(offset, max(offset, n - context), context)


def windows(ids, starts, context):
    places = starts[:, None] + torch.arange(context)
    return ids[places], ids[places + 1]


def batches(order, size, rank=0, world=1):
    return [batch[rank::world] for batch in order.split(size)] if len(order) else []


def plain(name, draws, **sizes):
    return case(name, gradient=False, float32=False, layouts=False, draws=draws, **sizes)


@plain("split", 6, n=(8, 20))
def halves(d):
    return Call("split", ids=d.keep(torch.randperm(d.n, generator=d.generator), "n"), n_held_out=d.integer(2, d.n // 3))


@plain("split, nothing held out", 4)
def whole(d):
    return Call("split", ids=d.integers("n", 0, 50), n_held_out=0)


@plain("split, everything held out", 3)
def all_held_out(d):
    return Call("split", ids=d.integers("n", 0, 50), n_held_out=d.n)


@plain("starts, windows of one token", 4)
def ones(d):
    return Call("starts", n=d.n, context=1, offset=d.choice([0, 1, 3]))


@plain("starts, an offset larger than the context", 4)
def far_offset(d):
    return Call("starts", n=d.m * d.c + 3 * d.c + d.r, context=d.c, offset=d.c + d.integer(0, d.c + 1))


@plain("starts, an offset beyond the text", 3)
def beyond(d):
    return Call("starts", n=d.n, context=d.c, offset=d.n + d.r)


@plain("starts, windows that leave a rest", 6, c=(3, 6))
def rest(d):
    return Call("starts", n=d.m * d.c + d.integer(2, d.c - 1), context=d.c)


@plain("starts, n a multiple of the context", 5)
def multiple(d):
    return Call("starts", n=(d.m + 1) * d.c, context=d.c)


@plain("starts, one token more than a multiple", 5)
def exact(d):
    return Call("starts", n=d.m * d.c + 1, context=d.c)


@plain("starts with an offset", 7)
def shifted(d):
    return Call("starts", n=d.m * d.c + d.r + d.c, context=d.c, offset=d.integer(1, d.c - 1))


@plain("starts, too short a text", 4)
def short(d):
    return Call("starts", n=d.integer(1, d.c), context=d.c, offset=d.integer(0, 1))


@plain("windows, any starts", 7)
def anywhere(d):
    ids = d.keep(torch.randperm(d.c + d.n, generator=d.generator), "c+n")
    return Call("windows", ids=ids, starts=d.integers("m", 0, "n"), context=d.c)


@plain("windows up to the last token", 5)
def to_the_end(d):
    return Call("windows", ids=d.integers("c+n", 0, 50), starts=d.keep(torch.tensor([d.n - 1, 0]), "2"), context=d.c)


@plain("windows, the same start twice", 3)
def twice(d):
    start = d.integers("1", 0, "n")
    return Call("windows", ids=d.integers("c+n", 0, 50), starts=d.keep(start.repeat(2), "2"), context=d.c)


@plain("windows of one token", 3)
def of_one(d):
    return Call("windows", ids=d.integers("1+n", 0, 50), starts=d.integers("m", 0, "n"), context=1)


@plain("batches of no order at all", 2)
def no_order(d):
    return Call("batches", order=d.keep(torch.zeros(0, dtype=torch.int64), "0"), size=d.size)


@plain("batches for one process", 6)
def one_process(d):
    return Call("batches", order=d.distinct("n", "n"), size=d.size)


@plain("batches for several processes", 8, world=(2, 4), size=(2, 6), n=(5, 20))
def processes(d):
    return Call("batches", order=d.distinct("n", "n"), size=d.size, rank=d.integer(0, d.world - 1), world=d.world)


@plain("batches for the last of several processes", 4, world=(3, 4), size=(4, 6), n=(6, 20))
def last_process(d):
    return Call("batches", order=d.distinct("n", "n"), size=d.size, rank=d.world - 1, world=d.world)


@plain("a last batch smaller than there are processes", 6, world=(2, 4), size=(3, 6), m=(1, 3))
def thin(d):
    order = d.keep(torch.randperm(d.m * d.size + 1, generator=d.generator), "")
    return Call("batches", order=order, size=d.size, rank=d.integer(0, d.world - 1), world=d.world)


@law("some index is given out twice, or never: all processes together have to see each exactly once", world=(2, 4))
def once(learner, d):
    order = d.distinct("n", "n")
    seen = [i for rank in range(d.world) for b in learner.batches(order, d.size, rank, d.world) for i in b.tolist()]
    return sorted(seen) == list(range(d.n))


@law("some token is asked for twice in an epoch: the windows overlap")
def no_overlap(learner, d):
    places = learner.starts(d.n + d.c, d.c)
    return bool((places[1:] - places[:-1] >= d.c).all())

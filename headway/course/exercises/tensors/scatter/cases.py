"""What is asked of segment means, and the answer they are held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 5
ENTRIES = ("segment_mean",)
RETURNS = {"segment_mean": "n d"}
SIZES = {"t": (1, 12), "d": (1, 5), "n": (1, 5)}
TOLERANCE = 2e-11  # a small number added to the counts shows in no later digit than its own


def segment_mean(x, segment, n):
    total = note("sums of the segments", torch.zeros(n, x.shape[1], dtype=x.dtype).index_add(0, segment, x))
    count = note("numbers of rows in the segments", torch.bincount(segment, minlength=n))
    return total / count.clamp(min=1)[:, None]


@case("rows in any order", t=(4, 14), n=(2, 5))
def plain(d):
    return Call("segment_mean", x=d.normal("t d"), segment=d.integers("t", 0, "n"), n=d.n)


@case("segments one after the other", t=(3, 12), n=(2, 4))
def sorted_segments(d):
    segment = d.integers("t", 0, "n").sort().values
    return Call("segment_mean", x=d.normal("t d"), segment=d.keep(segment, "t"), n=d.n)


@case("segments without rows, the last one too", t=(2, 6), n=(2, 5))
def empty(d):
    segment = d.integers("t", 0, "n") * 2
    return Call("segment_mean", x=d.normal("t d"), segment=d.keep(segment, "t"), n=2 * d.n)


@case("a row per segment", n=(1, 6), draws=6)
def one_each(d):
    return Call("segment_mean", x=d.normal("n d"), segment=d.distinct("n", "n"), n=d.n)


@case("many rows in few segments", t=(20, 40), n=(1, 2), draws=4)
def many(d):
    x = d.keep(d.normal("t d") + 4.0, "t d")  # far from 0: a mean that is nearly 0 has few digits of its own
    return Call("segment_mean", x=x, segment=d.integers("t", 0, "n"), n=d.n)


@case("numbers that are 0", t=(3, 9), d=(2, 5), n=(1, 3), draws=4)
def zeros(d):
    """A 0 is a number like any other: the row counts."""
    x = d.normal("t d").masked_fill(d.mask("t d", keep=0.4), 0.0)
    x[0], x[1] = 0.0, 1.0
    segment = d.integers("t", 0, "n")
    segment[1] = segment[0]
    return Call("segment_mean", x=d.keep(x, "t d"), segment=segment, n=d.n)


@law("the order of the rows matters: rows and segments permuted together change the result", t=(3, 9), n=(2, 4))
def rows_are_a_set(learner, d):
    x, segment = d.normal("t d"), d.integers("t", 0, "n")
    order = d.distinct("t", "t")
    return near(learner.segment_mean(x, segment, d.n), learner.segment_mean(x[order], segment[order], d.n))


@law("a segment whose rows are all the same does not have that row as its mean", t=(2, 9))
def mean_of_the_same(learner, d):
    row = d.normal("1 d")
    out = learner.segment_mean(row.expand(d.t, d.d).clone(), torch.zeros(d.t, dtype=torch.int64), 1)
    return near(out, row)

"""What is asked of padding, and the answer it is held against."""

import math

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 5
ENTRIES = ("collate", "positions", "masked_mean", "last")
RETURNS = {"collate": "b t, b t", "positions": "b t", "masked_mean": "b d", "last": "b d"}
SIZES = {"b": (1, 4), "t": (1, 7), "d": (1, 5), "v": (3, 9)}


def collate(rows, pad, left=False):
    t = max(len(row) for row in rows)
    tokens = torch.full((len(rows), t), pad)
    mask = torch.zeros(len(rows), t, dtype=torch.bool)
    for n, row in enumerate(rows):
        start = t - len(row) if left else 0
        tokens[n, start : start + len(row)] = torch.tensor(row)
        mask[n, start : start + len(row)] = True
    return tokens, mask


def positions(mask):
    count = note("number of real tokens up to each column", mask.long().cumsum(-1))
    return (count - 1).clamp(min=0)


def masked_mean(x, mask):
    kept = x.masked_fill(~mask[..., None], 0.0)
    total = note("sums over the real positions", kept.sum(1))
    return total / note("numbers of real positions", mask.sum(1, keepdim=True))


def last(x, mask):
    column = mask.shape[1] - 1 - mask.flip(1).long().argmax(1)
    return x[torch.arange(len(x)), column]


def lengths_of(d):
    """One row is full; where there are several, another is not."""
    lengths = [d.integer(1, d.t) for _ in range(d.b)]
    full = d.integer(0, d.b - 1)
    lengths[full] = d.t
    if d.b > 1 and d.t > 1:
        lengths[full - 1] = d.integer(min(2, d.t - 1), d.t - 1)
    return lengths


def mask_of(d, left):
    lengths = torch.tensor(lengths_of(d))[:, None]
    column = torch.arange(d.t)
    return d.keep(column >= d.t - lengths if left else column < lengths, "b t")


def texts(d, pad, holds):
    """Rows of ids; where `holds`, some of the ids are the padding's own, at the ends too."""
    rows = [[d.integer(0, d.v - 1) for _ in range(n)] for n in lengths_of(d)]
    for row in rows:
        for n, id in enumerate(row):
            if id == pad:
                row[n] = (pad + 1) % d.v
        if holds:
            row[d.choice([0, -1])] = pad
    return rows


def mixed_mask(d):
    """Padding on the left in some rows and on the right in others."""
    left, right = mask_of(d, True), mask_of(d, False)
    side = torch.arange(d.b) % 2 == d.integer(0, 1)
    return d.keep(torch.where(side[:, None], left, right), "b t")


def batch(d, left, holds):
    pad = d.integer(0, d.v - 1)
    return Call("collate", rows=texts(d, pad, holds), pad=pad, left=left)


@case("a batch padded on the right", gradient=False, float32=False, layouts=False, b=(2, 4), t=(2, 7), draws=8)
def right_batch(d):
    return batch(d, False, False)


@case("a batch padded on the left", gradient=False, float32=False, layouts=False, b=(2, 4), t=(2, 7), draws=8)
def left_batch(d):
    return batch(d, True, False)


@case("texts that hold the padding's id", gradient=False, float32=False, layouts=False, b=(2, 4), t=(2, 7), draws=8)
def same_id(d):
    return batch(d, d.choice([False, True]), True)


@case("padding with -100 or 0", gradient=False, float32=False, layouts=False, b=(2, 4), t=(2, 7), draws=4)
def other_pads(d):
    return Call("collate", rows=texts(d, 0, True), pad=d.choice([-100, -1, 0]), left=d.choice([False, True]))


@case("large ids", gradient=False, float32=False, layouts=False, b=(2, 4), t=(2, 7), draws=2)
def large_ids(d):
    rows = [[d.integer(2**30, 2**50) for _ in range(n)] for n in lengths_of(d)]
    return Call("collate", rows=rows, pad=d.integer(2**30, 2**50), left=d.choice([False, True]))


@case("a single text", gradient=False, float32=False, layouts=False, b=1, draws=4)
def one_text(d):
    return batch(d, d.choice([False, True]), False)


@case("positions, padding on the right", gradient=False, float32=False, b=(2, 4), t=(2, 7), draws=6)
def right_positions(d):
    return Call("positions", mask=mask_of(d, False))


@case("positions, padding on the left", gradient=False, float32=False, b=(2, 4), t=(2, 7), draws=6)
def left_positions(d):
    return Call("positions", mask=mask_of(d, True))


@case("positions, padding on either side", gradient=False, float32=False, b=(2, 4), t=(3, 7), draws=4)
def mixed_positions(d):
    return Call("positions", mask=mixed_mask(d))


@case("positions of a long text", gradient=False, float32=False, b=2, t=650, d=1, v=9, draws=1)
def long_positions(d):
    return Call("positions", mask=mask_of(d, True))


@case("a mean, padding on the right", draws=7, b=(2, 4), t=(3, 7))
def right_mean(d):
    return Call("masked_mean", x=d.normal("b t d"), mask=mask_of(d, False))


@case("a mean, padding on the left", draws=6, b=(2, 4), t=(3, 7))
def left_mean(d):
    return Call("masked_mean", x=d.normal("b t d"), mask=mask_of(d, True))


@case("a mean with NaN and infinity at padding", t=(3, 7), b=(2, 4), draws=6)
def nan_mean(d):
    mask = mask_of(d, d.choice([False, True]))
    x = torch.where(mask[..., None], d.normal("b t d"), d.choice([math.nan, math.inf]))
    return Call("masked_mean", x=d.keep(x, "b t d"), mask=mask)


@case("a mean, padding on either side", draws=3, b=(2, 4), t=(3, 7))
def mixed_mean(d):
    return Call("masked_mean", x=d.normal("b t d"), mask=mixed_mask(d))


@case("a mean with NaN at a real token, which has to show", gradient=False, draws=2, b=(2, 4), t=(3, 7))
def nan_inside(d):
    x, mask = d.normal("b t d"), mask_of(d, False)
    x[d.integer(0, d.b - 1), 0] = math.nan
    return Call("masked_mean", x=x, mask=mask)


@case("the last token, padding on either side", draws=5, b=(2, 4), t=(3, 7))
def mixed_last(d):
    return Call("last", x=d.normal("b t d"), mask=mixed_mask(d))


@case("the last token, with NaN at padding", draws=3, b=(2, 4), t=(3, 7))
def nan_last(d):
    mask = mixed_mask(d)
    x = torch.where(mask[..., None], d.normal("b t d"), d.choice([math.nan, math.inf]))
    return Call("last", x=d.keep(x, "b t d"), mask=mask)


@case("the last token, padding on the right", draws=7, b=(2, 4), t=(3, 7))
def right_last(d):
    return Call("last", x=d.normal("b t d"), mask=mask_of(d, False))


@case("the last token, padding on the left", draws=7, b=(2, 4), t=(3, 7))
def left_last(d):
    return Call("last", x=d.normal("b t d"), mask=mask_of(d, True))


@case("a single text: its mean", draws=2, b=1)
def single_mean(d):
    return Call("masked_mean", x=d.normal("b t d"), mask=mask_of(d, False))


@case("a single text: its last token", draws=2, b=1)
def single_last(d):
    return Call("last", x=d.normal("b t d"), mask=mask_of(d, True))


@law("a row's mean depends on how long the other texts are: alone, without padding, it has another", t=(2, 7), b=(2, 4))
def alone(learner, d):
    x, mask = d.normal("b t d"), mask_of(d, False)
    whole = learner.masked_mean(x, mask)
    rows = [learner.masked_mean(x[n : n + 1, : int(mask[n].sum())], mask[n : n + 1, mask[n]]) for n in range(d.b)]
    return near(whole, torch.cat(rows))

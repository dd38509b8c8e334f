"""What is asked of teacher forcing, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, note

ORDER = 2
ENTRIES = ("teacher_forcing", "shift_right", "scheduled")
RETURNS = {"teacher_forcing": "b t+1, b t+1", "shift_right": "b t", "scheduled": "b t"}
SIZES = {"b": (1, 4), "t": (1, 7)}


def teacher_forcing(targets, start, end, pad):
    t = 1 + max(len(row) for row in targets)
    tokens, labels = torch.full((len(targets), t), pad), torch.full((len(targets), t), -100)
    for n, row in enumerate(targets):
        tokens[n, : len(row) + 1] = torch.tensor([start, *row])
        labels[n, : len(row) + 1] = torch.tensor([*row, end])
    return tokens, labels


def shift_right(labels, start, pad):
    return torch.cat(
        (torch.full_like(labels[:, :1], start), labels[:, :-1].masked_fill(labels[:, :-1] == -100, pad)), 1
    )


def scheduled(tokens, said, u, keep):
    own = note("tokens said, one place later (b t)", torch.cat((tokens[:, :1], said[:, :-1]), 1))
    return torch.where(note("places that keep the right token (b t)", u < keep), tokens, own)


def plain(name, draws, **sizes):
    return case(name, gradient=False, float32=False, draws=draws, **sizes)


def answers(d, low=10):
    lengths = [d.integer(0, d.t) for _ in range(d.b)]
    lengths[d.integer(0, d.b - 1)] = d.t
    return [[d.integer(low, 90) for _ in range(n)] for n in lengths]


@plain("a batch", 8, b=(2, 4), t=(3, 7))
def batch(d):
    return Call("teacher_forcing", targets=answers(d), start=1, end=2, pad=3)


@plain("other special tokens, among them 0", 6, b=(2, 4), t=(3, 7))
def other(d):
    start, end, pad = d.distinct(3, 9).tolist()
    return Call("teacher_forcing", targets=answers(d), start=start, end=end, pad=pad)


@plain("padding and end are one token, which also stands in the answers", 6, b=(2, 4), t=(3, 7))
def shared(d):
    return Call("teacher_forcing", targets=answers(d, low=0), start=0, end=5, pad=5)


@plain("`start` stands in the answers, ids of all sizes", 4, b=(2, 4), t=(3, 7))
def ids(d):
    """Ids, 0 among them, that may be those of start, end and pad, and some too large for 16 or 32 bits."""
    rows = answers(d, low=0)
    for row in rows:
        if row:
            row[0], row[-1] = d.choice([0, 4, 5, 6]), d.choice([0, 4, 5, 6, 50256, 2**31 + 5])
    return Call("teacher_forcing", targets=rows, start=d.choice([0, 4]), end=d.choice([0, 5]), pad=d.choice([0, 6]))


@plain("a single answer", 3, b=1)
def single(d):
    return Call("teacher_forcing", targets=answers(d), start=1, end=2, pad=3)


@plain("only empty answers", 2)
def empty(d):
    return Call("teacher_forcing", targets=[[] for _ in range(d.b)], start=1, end=2, pad=3)


@plain("shifted to the right", 8, t=(2, 7))
def shifted(d):
    labels = d.integers("b t", 10, 90).masked_fill(~d.mask("b t", keep=0.7), -100)
    return Call("shift_right", labels=d.keep(labels, "b t"), start=d.choice([0, 1, 7]), pad=d.choice([2, 3]))


@plain("shifted to the right, no special token 0", 4, b=(2, 4), t=(4, 7))
def shifted_no_zero(d):
    labels = d.integers("b t", 10, 90).masked_fill(~d.mask("b t", keep=0.5), -100)
    labels[0, d.integer(0, d.t - 2)] = -100
    return Call("shift_right", labels=d.keep(labels, "b t"), start=d.integer(5, 9), pad=d.choice([2, 3]))


@plain("shifted to the right, labels of 0 and of start and pad", 5, b=(2, 4), t=(3, 7))
def shifted_ids(d):
    labels = d.integers("b t", 0, 4).masked_fill(~d.mask("b t", keep=0.7), -100)
    labels[:, d.integer(0, d.t - 2)] = 0
    return Call("shift_right", labels=d.keep(labels, "b t"), start=d.choice([0, 1]), pad=d.choice([2, 3]))


@plain("shifted to the right, the padding 0", 3, b=(2, 4), t=(4, 7))
def zero_padding(d):
    labels = d.integers("b t", 10, 90).masked_fill(~d.mask("b t", keep=0.5), -100)
    labels[0, d.integer(0, d.t - 2)] = -100
    return Call("shift_right", labels=d.keep(labels, "b t"), start=d.integer(5, 9), pad=0)


@plain("shifted to the right, one column", 2, t=1)
def shifted_single(d):
    return Call("shift_right", labels=d.integers("b t", 0, 9), start=d.integer(0, 5), pad=d.integer(0, 5))


@plain("u equal to keep, the words 0 and 1", 4, b=(2, 4), t=(4, 7))
def equal_coins(d):
    """The right word stays where u < keep: where they are equal it does not."""
    u = d.keep(d.integers("b t", 0, 4).double() / 4, "b t")
    u[:, 1], u[:, 2] = 0.5, 0.25
    tokens = d.integers("b t", 0, 2)
    return Call("scheduled", tokens=tokens, said=d.keep(1 - tokens.roll(-1, 1), "b t"), u=u, keep=0.5)


@plain("words of one's own, one column", 2, t=1)
def single_column(d):
    return Call(
        "scheduled", tokens=d.integers("b t", 0, 9), said=d.integers("b t", 10, 19), u=d.uniform("b t"), keep=0.3
    )


@plain("some words of one's own", 8, b=(2, 4), t=(3, 7))
def mixed(d):
    return Call(
        "scheduled",
        tokens=d.integers("b t", 0, 50),
        said=d.integers("b t", 50, 99),
        u=d.uniform("b t"),
        keep=d.number(0.2, 0.8) if d.b % 2 else d.number(0.3, 0.45),
    )


def coins(d, first):
    """The first coins of the rows fall on different sides, that of the first row at `first`."""
    u = d.uniform("b t")
    u[0, 0], u[1, 0] = first, 1 - first
    return Call("scheduled", tokens=d.integers("b t", 0, 50), said=d.integers("b t", 50, 99), u=u, keep=0.5)


@plain("some words of one's own, the first coin low", 3, b=(2, 4), t=(4, 7))
def low_coin(d):
    return coins(d, 0.1)


@plain("some words of one's own, the first coin high", 3, b=(2, 4), t=(4, 7))
def high_coin(d):
    return coins(d, 0.9)


def certain(d, keep):
    """With the coins 0 and next to 1 among the others."""
    u = d.uniform("b t")
    u[:, -1], u[0, -1] = 0.0, 1 - 2.0**-20
    return Call("scheduled", tokens=d.integers("b t", 0, 50), said=d.integers("b t", 50, 99), u=u, keep=keep)


@plain("keep 1", 3, b=(2, 4), t=(2, 7))
def always(d):
    return certain(d, 1.0)


@plain("keep 0", 3, b=(2, 4), t=(2, 7))
def never(d):
    return certain(d, 0.0)


@law(
    "what is said at a place is not what is read at the next: labels and tokens are shifted by something else than one",
    t=(2, 7),
)
def one_further(learner, d):
    tokens, labels = learner.teacher_forcing(answers(d), 1, 2, 3)
    asked = labels[:, :-1]
    said = (asked != -100) & (asked != 2)
    return bool((tokens[:, 1:] == asked)[said].all())

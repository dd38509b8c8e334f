"""What is asked of packing, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, note

ORDER = 2
ENTRIES = ("packed_mask", "packed_positions", "packed_targets")
RETURNS = {"packed_mask": "b 1 t t", "packed_positions": "b t", "packed_targets": "b t"}
SIZES = {"b": (1, 3), "t": (3, 9)}


def packed_mask(documents):
    t = documents.shape[1]
    same = note("tokens of the same text (b t t)", documents[:, :, None] == documents[:, None, :])
    past = note("causal triangle (t t)", torch.ones(t, t, dtype=torch.bool).tril())
    return ((same & past & (documents >= 0)[:, None]) | torch.eye(t, dtype=torch.bool))[:, None]


def packed_positions(documents):
    column = torch.arange(documents.shape[1]).expand_as(documents)
    first = torch.ones_like(documents, dtype=torch.bool)
    first[:, 1:] = documents[:, 1:] != documents[:, :-1]
    begin = note("column at which each token's text begins", torch.where(first, column, 0).cummax(1).values)
    return note("columns counted from there (b t)", column - begin).masked_fill(documents < 0, 0)


def packed_targets(tokens, documents, prompts=None):
    targets = torch.full_like(tokens, -100)
    asked = (documents[:, 1:] == documents[:, :-1]) & (documents[:, 1:] >= 0)
    if prompts is not None:
        asked = asked & ~prompts[:, 1:]
    asked = note("places that are asked about (b t-1)", asked)
    targets[:, :-1] = tokens[:, 1:].masked_fill(~asked, -100)
    return targets


def packed(d, padding):
    """Rows of texts of one to five tokens with numbers in any order; with `padding`, a rest that is none."""
    rows = []
    for _ in range(d.b):
        numbers, row = torch.randperm(30, generator=d.generator).tolist(), []
        room = d.t - (d.integer(1, min(3, d.t - 2)) if padding else 0)
        while len(row) < room:
            row += [numbers.pop()] * min(d.integer(1, 5), room - len(row))
        rows.append(row + [-1] * (d.t - room))
    return d.keep(torch.tensor(rows), "b t")


def single(d):
    return d.keep(torch.zeros(d.shape("b t"), dtype=torch.int64), "b t")


def plain(name, draws, **sizes):
    return case(name, gradient=False, float32=False, draws=draws, **sizes)


@plain("mask: full rows", 6)
def mask_full(d):
    return Call("packed_mask", documents=packed(d, False))


@plain("mask: rows with padding", 6)
def mask_padded(d):
    return Call("packed_mask", documents=packed(d, True))


@plain("mask: one text a row", 3)
def mask_single(d):
    return Call("packed_mask", documents=single(d))


@plain("positions: full rows", 6)
def positions_full(d):
    return Call("packed_positions", documents=packed(d, False))


@plain("positions: rows with padding", 6)
def positions_padded(d):
    return Call("packed_positions", documents=packed(d, True))


@plain("targets: full rows", 6)
def targets_full(d):
    return Call("packed_targets", tokens=d.integers("b t", 0, 90), documents=packed(d, False))


@plain("targets: rows with padding", 6)
def targets_padded(d):
    return Call("packed_targets", tokens=d.integers("b t", 0, 90), documents=packed(d, True))


@plain("targets: with prompts", 7, b=(2, 3), t=(5, 9))
def targets_prompts(d):
    tokens, prompts = d.integers("b t", 0, 90), d.mask("b t", keep=0.5, every_row=False)
    return Call("packed_targets", tokens=tokens, documents=packed(d, True), prompts=prompts)


def zero_last(d):
    """A text with the number 0 after others, and one that fills a row but for its last place."""
    rows = [[5] * (d.t - 2) + [0, 0], [0] * (d.t - 1) + [3], [7] + [0] * (d.t - 2) + [-1]]
    return d.keep(torch.tensor(rows), "3 t")


@plain("mask: a text of 40 tokens and more", 2, t=(45, 60))
def mask_long(d):
    """Longer than a window, or a bound on positions, that was found on short texts."""
    return Call("packed_mask", documents=zero_last(d))


@plain("mask: the text with the number 0, first, last and long", 2, t=(9, 12))
def mask_zero(d):
    return Call("packed_mask", documents=zero_last(d))


@plain("positions: a text of 40 tokens and more", 2, t=(45, 60))
def positions_long(d):
    """Longer than a window, or a bound on positions, that was found on short texts."""
    return Call("packed_positions", documents=zero_last(d))


@plain("positions: the text with the number 0, first, last and long", 2, t=(9, 12))
def positions_zero(d):
    return Call("packed_positions", documents=zero_last(d))


@plain("targets: token 0 and the text with the number 0", 2, t=(9, 12))
def targets_zero(d):
    return Call("packed_targets", tokens=d.integers("3 t", 0, 2), documents=zero_last(d))


@plain("mask: one token a row", 2, t=1)
def mask_one(d):
    return Call("packed_mask", documents=d.keep(torch.tensor([[0], [4], [-1]]), "3 1"))


@plain("positions: one token a row", 2, t=1)
def positions_one(d):
    return Call("packed_positions", documents=d.keep(torch.tensor([[0], [4], [-1]]), "3 1"))


@plain("targets: one token a row", 2, t=1)
def targets_one(d):
    return Call(
        "packed_targets", tokens=d.integers("3 1", 0, 9), documents=d.keep(torch.tensor([[0], [4], [-1]]), "3 1")
    )


@plain("positions: a row of padding alone", 2)
def positions_nothing(d):
    rows = torch.full(d.shape("b t"), -1)
    return Call("packed_positions", documents=d.keep(rows, "b t"))


@plain("targets: a row that ends with the text it began with in another row", 2, t=(4, 6))
def targets_round(d):
    """Rolled round, the last token would be asked for the first of its row."""
    return Call("packed_targets", tokens=d.integers("2 t", 1, 90), documents=d.keep(torch.zeros(2, d.t).long(), "2 t"))


@law("a query sees nothing at all: its row of the softmax is NaN")
def nobody_blind(learner, d):
    return bool(learner.packed_mask(packed(d, True)).any(-1).all())


@law("a query sees another text, or its future")
def no_leak(learner, d):
    documents = packed(d, False)
    mask = learner.packed_mask(documents)[:, 0]
    other = documents[:, :, None] != documents[:, None, :]
    return not bool((mask & other).any()) and not bool(mask.triu(1).any())

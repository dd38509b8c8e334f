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
    past = torch.ones(t, t, dtype=torch.bool).tril()
    return ((same & past & (documents >= 0)[:, None]) | torch.eye(t, dtype=torch.bool))[:, None]


def packed_positions(documents):
    column = torch.arange(documents.shape[1]).expand_as(documents)
    first = torch.ones_like(documents, dtype=torch.bool)
    first[:, 1:] = documents[:, 1:] != documents[:, :-1]
    begin = note("column at which each token's text begins", torch.where(first, column, 0).cummax(1).values)
    return (column - begin).masked_fill(documents < 0, 0)


def packed_targets(tokens, documents, prompts=None):
    targets = torch.full_like(tokens, -100)
    asked = (documents[:, 1:] == documents[:, :-1]) & (documents[:, 1:] >= 0)
    if prompts is not None:
        asked = asked & ~prompts[:, 1:]
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


@plain("targets: with prompts", 7, t=(5, 9))
def targets_prompts(d):
    tokens, prompts = d.integers("b t", 0, 90), d.mask("b t", keep=0.5, every_row=False)
    return Call("packed_targets", tokens=tokens, documents=packed(d, True), prompts=prompts)


@law("a query sees nothing at all: its row of the softmax is NaN")
def nobody_blind(learner, d):
    return bool(learner.packed_mask(packed(d, True)).any(-1).all())


@law("a query sees another text, or its future")
def no_leak(learner, d):
    documents = packed(d, False)
    mask = learner.packed_mask(documents)[:, 0]
    other = documents[:, :, None] != documents[:, None, :]
    return not bool((mask & other).any()) and not bool(mask.triu(1).any())

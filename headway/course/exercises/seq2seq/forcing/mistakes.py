"""Wrong answers to teacher forcing that people really give."""

import torch

from headway.learn.cases import switches


def teacher_forcing(
    targets, start, end, pad, *,
    _end=True, _start=True, _reads_end=False, _fill=-100, _labels="answer", _order="tokens", _mask="lengths",
    _left=False, _read="pad", _says_start=False, _cut=False,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    longest = max(len(row) for row in targets)
    read, say = [], []
    for row in targets:
        tokens = [start, *row] if _start else list(row)
        labels = [*row, end] if _end else list(row)
        if _reads_end:
            tokens = [start, *row, end]
        if _says_start:
            labels = [start, *row, end]
        if _labels == "same":
            labels = [start, *row]
        elif _labels == "two":
            labels = [*row[1:], end]
        if _cut:
            tokens, labels = [start, *row[:-1]], list(row)
        read.append(tokens)
        say.append(labels)
    t = longest + 1
    t = max(t, *(len(row) for row in (*read, *say)))
    if _cut:
        t = max(1, longest)

    def rectangle(rows, fill):
        whole = torch.full((len(rows), t), fill)
        for n, row in enumerate(rows):
            place = slice(t - len(row), t) if _left else slice(0, len(row))
            whole[n, place] = torch.tensor(row, dtype=torch.int64)
        return whole

    tokens = rectangle(read, {"pad": pad, "end": end, "zero": 0}[_read])
    fill = pad if _fill == "pad" else end if _fill == "end" else _fill
    labels = rectangle(say, fill)
    if _mask == "by id":
        labels = rectangle(say, pad)
        labels = labels.masked_fill(labels == pad, -100)
    return (tokens, labels) if _order == "tokens" else (labels, tokens)


FORCING = switches(
    teacher_forcing,
    {
        "padding_asked": (
            "the labels are filled up with the padding's id: the model learns to say padding. -100 is what the loss leaves out",
            {"_fill": "pad"},
        ),
        "ends_asked_for_ever": (
            "the labels are filled up with `end`: once is enough, then -100",
            {"_fill": "end"},
        ),
        "another_number_for_minus_100": (
            "the labels are filled up with {_fill}: -100 is what the loss leaves out",
            {"_fill": 0},
            {"_fill": [-1, 1, -99, 100]},
        ),
        "labels_masked_by_id": (
            "labels equal to the padding's id become -100: where `end` and `pad` are one token, the model never learns to "
            "stop. Go "
            "by the lengths",
            {"_mask": "by id"},
        ),
        "no_end": ("the labels have no `end`: the model never learns to stop", {"_end": False}),
        "no_start": (
            "`start` is missing: what is read and what is said then stand at the same place, and the model copies",
            {"_start": False},
        ),
        "labels_not_shifted": (
            "the labels are what is read: the model has to say the *next* word, and copies",
            {"_labels": "same"},
        ),
        "labels_shifted_twice": (
            "the labels are shifted by two words: by one",
            {"_labels": "two"},
        ),
        "end_read": (
            "`end` is read as well: nothing comes after it, so it is only said",
            {"_reads_end": True},
        ),
        "start_said": ("`start` is said as well: it is only read", {"_says_start": True}),
        "answer_cut": (
            "the last word of the answer is not read, and `end` not said: tokens is start and the *whole* answer",
            {"_cut": True},
        ),
        "labels_first": ("the labels come first: (tokens, labels)", {"_order": "labels"}),
        "filled_on_the_left": ("the padding stands on the left: on the right", {"_left": True}),
        "read_filled_with_end": ("what is read is filled up with `end`: with `pad`", {"_read": "end"}),
        "read_filled_with_zero": ("what is read is filled up with 0: with `pad`, {pad}", {"_read": "zero"}),
    },
    of="teacher_forcing",
)


def shift_right(labels, start, pad, *, _shift="right", _fill="pad", _first="start"):
    """The right answer, with a switch per mistake."""
    if _shift == "left":
        shifted = torch.cat((labels[:, 1:], torch.full_like(labels[:, :1], pad)), 1)
    elif _shift == "none":
        shifted = labels.clone()
        shifted[:, 0] = start
    elif _shift == "longer":
        shifted = torch.cat((torch.full_like(labels[:, :1], start), labels), 1)
    elif _shift == "rows":
        shifted = torch.cat((torch.full_like(labels[:1], start), labels[:-1]), 0)
    else:
        shifted = labels.roll(1, 1)
        if _first == "start":
            shifted[:, 0] = start
        elif _first == "pad":
            shifted[:, 0] = pad
        elif _first == "first label":
            shifted[:, 0] = labels[:, 0]
    if _fill == "none":
        return shifted
    if _fill == "zero too":
        body = shifted[:, 1:]
        return torch.cat((shifted[:, :1], body.masked_fill((body == -100) | (body == 0), pad)), 1)
    value = {"pad": pad, "start": start, "zero": 0}[_fill]
    return shifted.masked_fill(shifted == -100, value)


SHIFT = switches(
    shift_right,
    {
        "shifted_left": ("the labels are shifted to the left: to the right", {"_shift": "left"}),
        "not_shifted": ("the labels are not shifted, the first is overwritten", {"_shift": "none"}),
        "one_longer": ("there is one column too many: the last label is not read", {"_shift": "longer"}),
        "rows_shifted": ("the rows are shifted, not the columns: along time, dim=1", {"_shift": "rows"}),
        "rolled_round": (
            "the last label comes round to the front (roll): there, `start` has to be",
            {"_first": "rolled"},
        ),
        "pad_in_front": ("the first token is `pad`: here it is `start` (T5 has the two equal)", {"_first": "pad"}),
        "first_label_in_front": ("the first label stands in front: `start`", {"_first": "first label"}),
        "minus_100_read": (
            "-100 is still there: it is no token, and an embedding refuses it. `pad`",
            {"_fill": "none"},
        ),
        "zero_masked_too": (
            "the id 0 is taken for padding: it is a word like any other, only -100 becomes `pad`",
            {"_fill": "zero too"},
        ),
        "start_for_minus_100": ("-100 has become `start`: `pad`", {"_fill": "start"}),
        "zero_for_ignored": ("-100 has become 0: `pad`, {pad}", {"_fill": "zero"}),
    },
    of="shift_right",
)


def scheduled(tokens, said, u, keep, *, _shift=1, _first=True, _which="keep", _coin="each"):
    """The right answer, with a switch per mistake."""
    own = said.roll(_shift, 1) if _shift else said.clone()
    if _coin == "row":
        u = u[:, :1].expand_as(u)
    elif _coin == "column":
        u = u[:1].expand_as(u)
    elif _coin == "one":
        u = u[:1, :1].expand_as(u)
    elif _coin == "shifted":
        u = u.roll(1, 1)
    stays = {"keep": u < keep, "or equal": u <= keep}.get(_which, u >= keep)
    if _which == "all":
        stays = torch.zeros_like(stays)
    elif _which == "none":
        stays = torch.ones_like(stays)
    mixed = torch.where(stays, tokens, own)
    if _first:
        mixed[:, 0] = tokens[:, 0]
    return mixed


SCHEDULED = switches(
    scheduled,
    {
        "own_words_not_shifted": (
            "what is said at a place is read at the same place: at the next one",
            {"_shift": 0},
        ),
        "own_words_shifted_back": (
            "what is said at a place is read at the one before: at the next one",
            {"_shift": -1},
        ),
        "start_replaced": (
            "`start` may be replaced, by the last word that was said: place 0 is always its own",
            {"_first": False},
        ),
        "chance_the_other_way": (
            "the right word stays with the chance 1 - keep: where u < keep",
            {"_which": "lose"},
        ),
        "coin_equal_to_keep": (
            "the right word stays where u is equal to keep as well: only where u < keep",
            {"_which": "or equal"},
        ),
        "always_own": ("the model's own words are always read: the right ones stay where u < keep", {"_which": "all"}),
        "always_right": ("the right words are always read: the model's own where u >= keep", {"_which": "none"}),
        "coin_for_a_row": ("there is one coin for a whole row: one for each place", {"_coin": "row"}),
        "coin_for_the_batch": ("there is one coin for the whole batch: one for each place", {"_coin": "one"}),
        "coin_for_a_place": ("all rows share their coins: each place of each row has one", {"_coin": "column"}),
        "coin_of_the_place_before": (
            "the coin of the place before decides: u belongs to the place that is read",
            {"_coin": "shifted"},
        ),
    },
    of="scheduled",
)

"""Wrong answers to padding that people really give."""

import torch

from headway.learn.cases import switches


def collate(
    rows,
    pad,
    left=False,
    *,
    _mask="lengths",
    _side="given",
    _fill="pad",
    _width="longest",
    _order="tokens mask",
    _dtype=torch.bool,
):
    """The right answer, with a switch per mistake."""
    left = {"given": left, "right": False, "left": True, "swapped": not left}[_side]
    t = max(len(row) for row in rows) + (1 if _width == "one more" else 0)
    if _width == "shortest":
        t = min(len(row) for row in rows)
        rows = [row[-t:] if left else row[:t] for row in rows]
    tokens = torch.full((len(rows), t), 0 if _fill == "zero" else pad)
    mask = torch.zeros(len(rows), t, dtype=torch.bool)
    for n, row in enumerate(rows):
        start = t - len(row) if left else 0
        tokens[n, start : start + len(row)] = torch.tensor(row)
        mask[n, start : start + len(row)] = True
        if _fill == "last":
            tokens[n, len(row) if not left else t : t] = row[-1]
            tokens[n, :start] = row[0]
    if _mask == "by id":
        mask = tokens != pad
    elif _mask == "by truth":
        mask = tokens != 0
    elif _mask == "inverted":
        mask = ~mask
    elif _mask == "all":
        mask = torch.ones_like(mask)
    elif _mask == "by left":
        width = torch.tensor([len(row) for row in rows])[:, None]
        mask = torch.arange(t) < width
    mask = mask.to(_dtype)
    return (tokens, mask) if _order == "tokens mask" else (mask, tokens)


COLLATE = switches(
    collate,
    {
        "mask_by_id": (
            "the mask is tokens != pad: here a real token has the id {pad} too, as with GPT-2, whose padding is the end of text. "
            "Make it from the lengths",
            {"_mask": "by id"},
        ),
        "mask_by_zero": (
            "the mask is tokens != 0: the padding's id is {pad}, and 0 may be a real token",
            {"_mask": "by truth"},
        ),
        "mask_inverted": ("the mask is turned round: True at real tokens is asked for", {"_mask": "inverted"}),
        "mask_all_true": ("the mask is True everywhere: it has to be False at padding", {"_mask": "all"}),
        "mask_always_right": (
            "with left=True the mask is still that of padding on the right: the real tokens are the last ones of a row",
            {"_mask": "by left"},
        ),
        "left_ignored": ("`left` is not used: the padding always stands on the right", {"_side": "right"}),
        "always_left": ("the padding always stands on the left", {"_side": "left"}),
        "sides_exchanged": ("left and right are exchanged", {"_side": "swapped"}),
        "filled_with_zero": ("the rows are filled up with 0: the padding's id is {pad}", {"_fill": "zero"}),
        "filled_with_the_end": (
            "the rows are filled up with their own outermost token: the padding's id is {pad}",
            {"_fill": "last"},
        ),
        "cut_to_the_shortest": (
            "the texts are cut to the length of the shortest: they are to be filled up to that of the longest",
            {"_width": "shortest"},
        ),
        "a_column_too_many": (
            "there is one column more than the longest text has tokens",
            {"_width": "one more"},
        ),
        "mask_first": ("the mask comes first: (tokens, mask) is asked for", {"_order": "mask tokens"}),
        "mask_of_integers": (
            "the mask holds 1 and 0, as transformers has it: a bool is asked for",
            {"_dtype": torch.int64},
        ),
    },
    of="collate",
    kinds={"mask_of_integers": "dtype"},
)


def positions(mask, *, _how="count", _base=0, _low="0"):
    """The right answer, with a switch per mistake."""
    if _how == "columns":
        return torch.arange(mask.shape[1]).expand(mask.shape).contiguous()
    if _how == "columns masked":
        return torch.arange(mask.shape[1]) * mask
    count = mask.long().cumsum(-1) - 1 + _base
    if _low == "masked":
        return count * mask
    if _low == "minus":
        return count
    if _low == "one":
        return count.masked_fill(~mask, 1)
    return count.clamp(min=0)


POSITIONS = switches(
    positions,
    {
        "columns": (
            "every column is its own position: with padding on the left a text then begins somewhere in the middle",
            {"_how": "columns"},
        ),
        "columns_masked": (
            "the columns are multiplied by the mask: with padding on the left a text still begins somewhere in the middle",
            {"_how": "columns masked"},
        ),
        "from_one": ("the first real token gets position 1: it has to be 0", {"_base": 1}),
        "minus_one": (
            "padding on the left gets position -1, which in an embedding is an error or, worse, the last row: 0 is asked for",
            {"_low": "minus"},
        ),
        "zero_behind_too": (
            "padding behind the text gets 0: the position of the last real token is asked for",
            {"_low": "masked"},
        ),
        "one_at_padding": (
            "padding gets position 1 (masked_fill(mask == 0, 1), as in transformers): before the text it is 0, behind it that "
            "of the last real token",
            {"_low": "one"},
        ),
    },
    of="positions",
)


def masked_mean(x, mask, *, _over="real", _zero="fill", _axis=1, _at="real", _eps=0.0):
    """The right answer, with a switch per mistake."""
    real = mask[..., None]
    if _at == "padding":
        real = ~real
    kept = x * real if _zero == "times" else x if _zero == "no" else x.masked_fill(~real, 0.0)
    number = {
        "real": mask.sum(1, keepdim=True),
        "columns": x.shape[1],
        "batch": mask.sum() / len(mask),
        "all": mask.sum(),
        "one more": mask.sum(1, keepdim=True) + 1,
    }[_over]
    if _over == "none":
        return kept.sum(1)
    if _axis == 0:
        return kept.sum(0) / mask.sum(0)[:, None].clamp(min=1)
    return kept.sum(1) / (number + _eps)


MEANS = switches(
    masked_mean,
    {
        "over_all_columns": (
            "the sum over the real positions is divided by the number of columns, {t}: it has to be the number of real ones "
            "in the row",
            {"_over": "columns"},
        ),
        "padding_counted": (
            "this is the plain mean over all {t} columns: padding is in it",
            {"_over": "columns", "_zero": "no"},
        ),
        "padding_in_the_sum": (
            "padding is in the sum: only the number it is divided by knows of the mask",
            {"_zero": "no"},
        ),
        "times_zero": (
            "padding is multiplied by 0: NaN times 0 is NaN, and infinity times 0 as well. Replace it (masked_fill, where)",
            {"_zero": "times"},
        ),
        "eps_in_the_denominator": (
            "{_eps} is added to the number of real tokens: every row has one at least, and the mean is off by that much",
            {"_eps": 1e-6},
            {"_eps": [1e-3, 1e-4, 1e-5, 1e-7, 1e-8]},
        ),
        "over_the_mean_length": (
            "every row is divided by the mean length of the batch: each has a length of its own",
            {"_over": "batch"},
        ),
        "over_the_batch_total": (
            "every row is divided by the number of real tokens of the whole batch (sum without a dim)",
            {"_over": "all"},
        ),
        "over_the_batch_axis": (
            "the mean runs over the batch (axis 0): it has to run over the positions, axis 1",
            {"_axis": 0},
        ),
    },
    of="masked_mean",
)


def last(x, mask, *, _which="last", _minus=1):
    """The right answer, with a switch per mistake."""
    rows, t = torch.arange(len(x)), mask.shape[1]
    if _which == "column":
        return x[:, -1]
    if _which == "first":
        return x[rows, mask.long().argmax(1)]
    if _which == "first column":
        return x[:, 0]
    if _which == "length":
        return x[rows, mask.sum(1) - 1]
    if _which == "length without minus":
        return x[rows, mask.sum(1).clamp(max=t - 1)]
    if _which == "zeroed":
        return (x * mask[..., None])[:, -1]
    if _which == "longest":
        return x[:, int(mask.sum(1).max()) - 1]
    return x[rows, t - 1 - mask.flip(1).long().argmax(1)]


LASTS = switches(
    last,
    {
        "last_column": ("the last column is taken: in a row padded on the right that is padding", {"_which": "column"}),
        "last_column_masked": (
            "the last column is taken, with padding set to 0: in a row padded on the right that is 0",
            {"_which": "zeroed"},
        ),
        "by_length": (
            "column length - 1 is taken: with padding on the left the last real token stands in the last column",
            {"_which": "length"},
        ),
        "one_too_far": (
            "column `length` is taken: columns are counted from 0, so that the last real one is length - 1",
            {"_which": "length without minus"},
        ),
        "first_token": ("the first real token is taken, not the last", {"_which": "first"}),
        "first_column": ("the first column is taken, as for BERT's [CLS]", {"_which": "first column"}),
    },
    of="last",
)

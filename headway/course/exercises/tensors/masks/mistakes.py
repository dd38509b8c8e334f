"""Wrong answers to the mask that people really give."""

import math

import torch

from headway.learn.cases import switches


def attention_mask(
    lengths, t, left=False, *,
    _side="given", _edge=0, _of="keys", _causal="lower", _itself=True, _join="and", _invert=False, _axes="b 1 t t", _as="bool",
    _row="own", _turn=False,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    side = {"given": left, "right": False, "left": True, "swapped": not left}[_side]
    if _row == "longest":
        lengths = lengths.amax().expand_as(lengths)
    position = torch.arange(t)
    real = position >= t - lengths[:, None] - _edge if side else position < lengths[:, None] + _edge
    ones = torch.ones(t, t, dtype=torch.bool)
    causal = {
        "lower": ones.tril(),
        "upper": ones.triu(),
        "ahead": ones.tril(1),
        "none": ones,
    }[_causal]
    of = {
        "keys": real[:, None, :],
        "queries": real[:, :, None],
        "both": real[:, None, :] & real[:, :, None],
        "none": torch.ones_like(real)[:, None, :],
    }[_of]
    visible = causal & of if _join == "and" else causal | of
    if _itself is True:
        visible = visible | torch.eye(t, dtype=torch.bool)
    elif _itself == "first":
        visible = visible | (~visible.any(-1, keepdim=True) & (position == 0))
    elif _itself == "all":
        visible = visible | ~visible.any(-1, keepdim=True)
    if _invert:
        visible = ~visible
    if _turn:
        visible = visible.mT
    if _axes == "b 1 t t":
        visible = visible[:, None]
    if _as == "bias":
        return torch.zeros(visible.shape).masked_fill(~visible, -math.inf)
    return visible.to(torch.float32) if _as == "float" else visible.to(torch.int64) if _as == "int" else visible


MISTAKES = switches(
    attention_mask,
    {
        "inverted": ("True and False are exchanged: True means that the query may look", {"_invert": True}),
        "future_instead_of_past": (
            "queries see the future and not the past: triu in place of tril",
            {"_causal": "upper"},
        ),
        "one_ahead": ("every query sees one key of its future: tril(1) in place of tril()", {"_causal": "ahead"}),
        "padding_only": ("the future is visible: the causal triangle is missing", {"_causal": "none"}),
        "causal_only": ("`lengths` is not used: padding is visible", {"_of": "none"}),
        "queries_hidden": (
            "padding is hidden along the wrong axis: it is the padded *keys* (columns) that nobody may look at, real[:, None, :]",
            {"_of": "queries"},
        ),
        "queries_hidden_too": (
            "padded queries are hidden as well as padded keys: only keys are asked to be, and a padded query sees the real "
            "tokens of its past",
            {"_of": "both"},
        ),
        "rows_left_empty": (
            "padded queries with no real token in their past see nothing, and their softmax is NaN: let every query see itself "
            "(| torch.eye)",
            {"_itself": False},
        ),
        "empty_rows_see_all": (
            "a query that would see nothing is let see everything, its future included: itself is enough",
            {"_itself": "all"},
        ),
        "empty_rows_see_the_first": (
            "a query that would see nothing is let see key 0: it has to see itself, as every query does",
            {"_itself": "first"},
        ),
        "left_ignored": (
            "the argument `left` is not used: the padding is taken to be on the right",
            {"_side": "right"},
        ),
        "sides_swapped": (
            "left and right are exchanged: with left=True the real tokens are the last ones, j >= t - length",
            {"_side": "swapped"},
        ),
        "one_too_many": (
            "one padded key is visible: the real tokens are 0 to length - 1, so j < length, not j <= length",
            {"_edge": 1},
        ),
        "one_too_few": ("the outermost real token is hidden: the real ones are length in number", {"_edge": -1}),
        "either": (
            "the two conditions are joined by `or`: a key has to be real *and* not in the future",
            {"_join": "or"},
        ),
        "rows_and_columns_swapped": (
            "rows and columns are exchanged: rows are queries, columns keys",
            {"_turn": True},
        ),
        "axis_for_heads_missing": (
            "the axis for the heads is missing: against scores (b h t t) a mask (b t t) lines its batch up with the heads",
            {"_axes": "b t t"},
        ),
        "longest_for_all": ("the greatest length is used for every row of the batch", {"_row": "longest"}),
        "minus_infinity": (
            "this is what is added to scores, 0 and -inf: a bool is asked for, True where the query may look",
            {"_as": "bias"},
        ),
        "ones_and_zeros": ("these are the numbers 1.0 and 0.0: a bool is asked for", {"_as": "float"}),
        "whole_numbers": ("these are the whole numbers 1 and 0: a bool is asked for", {"_as": "int"}),
    },
)

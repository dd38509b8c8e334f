"""Wrong answers to scaled dot-product attention that people really give."""

import math

import torch

from headway.learn.cases import mistake, switches


def attend(
    q, k, v, mask=None, *, causal=False, scale=None,
    _scale="head", _given=True, _softmax="keys", _fill=-math.inf, _mask="before", _causal="last", _swap=False,
    _future=True, _mask_used=True, _exp="stable", _where="both", _eps=1e-6,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    b, h, t, width = q.shape
    s = k.shape[-2]
    if _swap:
        q, k = k, q
        t, s = s, t
    factor = {
        "head": 1 / math.sqrt(width),
        "model": 1 / math.sqrt(h * width),
        "none": 1.0,
        "inverse": math.sqrt(width),
        "width": 1 / width,
        "keys": 1 / math.sqrt(s),
    }[_scale]
    if _given == "or":
        factor = scale or factor
    elif scale is not None and _given:
        factor = scale
    scores = q @ k.transpose(-2, -1) * factor
    visible = torch.ones(b, h, t, s, dtype=torch.bool)
    if mask is not None and _mask_used:
        visible = visible & (mask.expand(b, h, t, s) if _mask != "inverted" else ~mask.expand(b, h, t, s))
    if causal and _future:
        offset = {"last": s - t, "first": 0, "strict": s - t - 1, "loose": s - t + 1, "columns": s - t}[_causal]
        triangle = torch.ones(t, s, dtype=torch.bool)
        triangle = triangle.triu(offset) if _causal == "columns" else triangle.tril(offset)
        visible = triangle.expand(b, h, t, s) if _where == "either" else visible & triangle
    if _mask == "after":
        return scores.softmax(-1).masked_fill(~visible, 0.0) @ v
    if _mask == "added":
        scores = scores + visible.to(scores.dtype)
    elif _mask == "lowered":
        scores = scores + _fill * ~visible
    else:
        scores = scores.masked_fill(~visible, _fill)
    axis = {"keys": -1, "queries": -2, "heads": 1}.get(_softmax, -1)
    if _softmax == "none":
        weights = scores.masked_fill(~visible, 0.0)
    elif _softmax == "scaled after":
        weights = (scores / factor).softmax(-1) * factor
    elif _exp == "naive":
        powers = scores.exp()
        weights = powers / powers.sum(axis, keepdim=True)
    elif _exp == "plus eps":
        powers = (scores - scores.amax(-1, keepdim=True)).exp()
        weights = powers / (powers.sum(-1, keepdim=True) + _eps)
    elif _exp == "float32":
        weights = scores.float().softmax(-1).to(scores.dtype)
    else:
        weights = scores.softmax(axis)
    return weights @ v


MISTAKES = switches(
    attend,
    {
        "scale_by_model_width": (
            "your scores are divided by the model width, not the head width: 1/sqrt({k}) became 1/sqrt({h*k})",
            {"_scale": "model"},
        ),
        "no_scale": (
            "the scores are not scaled: q·k has variance {k} here and has to be multiplied by 1/sqrt({k}) = "
            "{1/sqrt(k)} before the softmax",
            {"_scale": "none"},
        ),
        "scale_multiplied": (
            "the scores are multiplied by sqrt({k}) where they are to be divided by it",
            {"_scale": "inverse"},
        ),
        "scale_without_root": ("the scores are divided by {k}, not by sqrt({k}) = {sqrt(k)}", {"_scale": "width"}),
        "scale_by_keys": (
            "the scores are divided by the square root of the number of keys, {s}, not of the head width, {k}",
            {"_scale": "keys"},
        ),
        "scale_ignored": (
            "the argument `scale` is not used: with scale={scale} the scores are still multiplied by 1/sqrt({k})",
            {"_given": False},
        ),
        "scale_or": (
            "`scale or ...` takes a scale of 0 for none: 0 is a number like any other, ask `scale is None`",
            {"_given": "or"},
        ),
        "scale_after_softmax": (
            "the scale is applied after the softmax: the weights of a query add up to {1/sqrt(k)}, not to 1",
            {"_softmax": "scaled after"},
        ),
        "softmax_over_queries": (
            "the softmax runs over the {t} queries (axis -2); it has to run over the {s} keys (axis -1), so that the "
            "weights of one query add up to 1",
            {"_softmax": "queries"},
        ),
        "softmax_over_heads": (
            "the softmax runs over the heads (dim=1); it has to run over the keys (dim=-1)",
            {"_softmax": "heads"},
        ),
        "no_softmax": ("the scores are used as weights as they are: the softmax is missing", {"_softmax": "none"}),
        "mask_inverted": (
            "the mask is turned round: True means that a query may look, so what is False has to be hidden (~mask)",
            {"_mask": "inverted"},
        ),
        "mask_after_softmax": (
            "hidden weights are put to zero after the softmax: what remains of a row no longer adds up to 1. Hide the "
            "scores, before it",
            {"_mask": "after"},
        ),
        "mask_fills_zero": (
            "a hidden score is put to 0 (filled with it, or multiplied by the mask), and exp(0) is 1: the softmax still "
            "looks there. It has to be -inf",
            {"_fill": 0.0},
        ),
        "mask_fills_a_number": (
            "a hidden score is put to {_fill}, which is not low enough where the scores themselves are larger: use -inf",
            {"_fill": -1e4},
            {"_fill": [-1e1, -1e2, -1e3, -1e5]},
        ),
        "mask_adds_a_number": (
            "{_fill} is added to a hidden score, which is not enough where the scores themselves are larger: put it to -inf",
            {"_mask": "lowered", "_fill": -1e4},
            {"_fill": [-1e1, -1e2, -1e3, -1e5]},
        ),
        "mask_added_as_numbers": (
            "the bool mask is added to the scores, 1 for visible and 0 for hidden: that hides nothing. Fill with -inf "
            "where it is False",
            {"_mask": "added"},
        ),
        "mask_ignored": ("the argument `mask` is not used: hidden keys are still looked at", {"_mask_used": False}),
        "causal_first_aligned": (
            "with {t} queries and {s} keys the triangle is aligned at the first key: query 0 stands at key {s-t}, not at "
            "key 0 (tril(s - t), not tril())",
            {"_causal": "first"},
        ),
        "causal_strict": (
            "the causal triangle is one too narrow: a query sees its own position too (the diagonal belongs to it)",
            {"_causal": "strict"},
        ),
        "causal_one_ahead": (
            "the causal triangle is one too wide: every query sees one key of its future",
            {"_causal": "loose"},
        ),
        "causal_upper": (
            "the causal triangle is upside down: queries see the future and not the past (triu in place of tril)",
            {"_causal": "columns"},
        ),
        "causal_ignored": ("the argument `causal` is not used: queries see the future", {"_future": False}),
        "causal_replaces_mask": (
            "with causal=True the mask is forgotten: both have to hold at once (mask & triangle)",
            {"_where": "either"},
        ),
        "exp_overflows": (
            "exp of the scores overflows where they are large, and inf/inf is NaN: take the greatest score of the row off "
            "first, or call softmax",
            {"_exp": "naive"},
        ),
        "eps_in_the_denominator": (
            "{_eps} is added to the sum that the weights are divided by: they add up to less than 1. The sum is 1 at least, once "
            "the greatest score is taken off",
            {"_exp": "plus eps"},
            {"_eps": [1e-4, 1e-5, 1e-7, 1e-8, 1e-9]},
        ),
        "softmax_in_float32": (
            "the softmax is taken in float32 though the inputs are float64: the result is right to about 7 digits only",
            {"_exp": "float32"},
        ),
    },
    kinds={"softmax_in_float32": "precision"},
)


@mistake("q and k have changed places: the scores are k qᵀ, with a row per key instead of a row per query")
def swapped(q, k, v, mask=None, *, causal=False, scale=None):
    return attend(k, q, v, mask, causal=causal, scale=scale)


@mistake("q is scaled in place (`q *= ...`): the caller's tensor is another after the call")
def scaled_in_place(q, k, v, mask=None, *, causal=False, scale=None):
    with torch.no_grad():
        q.mul_(1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    return attend(q, k, v, mask, causal=causal, scale=1.0)


@mistake(
    "the weights are transposed before they meet the values: row t of the weights belongs to query t, so it is weights @ v"
)
def weights_transposed(q, k, v, mask=None, *, causal=False, scale=None):
    weights = attend(q, k, torch.eye(k.shape[-2], dtype=q.dtype), mask, causal=causal, scale=scale)
    return weights.transpose(-2, -1) @ v

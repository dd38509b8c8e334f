"""Wrong answers to additive attention that people really give."""

import math

import torch

from headway.learn.cases import switches


def additive_scores(
    query, keys, weight, v, *,
    _act="tanh", _w="T", _join="add", _keys=False, _v="dot", _axis="words", _root=False, _softmax=False,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    asked = {"T": query @ weight.T, "plain": query @ weight, "none": query}[_w]
    if _keys:
        keys = keys @ weight.T
    if _axis == "rows" and asked.shape[0] == keys.shape[1]:
        asked = asked[None]
    elif _axis == "rows":
        asked = asked.unsqueeze(0).expand(len(keys), *asked.shape)[:, :1]
    else:
        asked = asked[:, None]
    total = {"add": asked + keys, "times": asked * keys, "minus": asked - keys}[_join]
    hidden = {
        "tanh": torch.tanh(total),
        "sigmoid": torch.sigmoid(total),
        "relu": torch.relu(total),
        "none": total,
        "keys only": asked + torch.tanh(keys),
        "apart": torch.tanh(asked) + torch.tanh(keys),
        "outside": total,
    }[_act]
    scores = {
        "dot": hidden @ v,
        "mean": hidden.mean(-1),
        "sum": hidden.sum(-1),
    }[_v]
    if _act == "outside":
        scores = torch.tanh(scores)
    if _root:
        scores = scores / math.sqrt(v.shape[0])
    return scores.softmax(-1) if _softmax else scores


SCORES = switches(
    additive_scores,
    {
        "no_tanh": (
            "the tanh is missing: without it W s adds the same to every word's score, and the softmax does not see it",
            {"_act": "none"},
        ),
        "tanh_outside": (
            "the tanh is around the score, tanh(v · (W s + U h)): it is inside, v · tanh(W s + U h)",
            {"_act": "outside"},
        ),
        "tanh_of_the_parts": ("tanh is taken of W s and of U h apart: of their sum", {"_act": "apart"}),
        "tanh_of_the_keys": ("tanh is taken of U h alone: of the sum W s + U h", {"_act": "keys only"}),
        "sigmoid": ("there is a sigmoid in place of tanh", {"_act": "sigmoid"}),
        "relu": ("there is a ReLU in place of tanh", {"_act": "relu"}),
        "weight_transposed": (
            "W is used the wrong way round, query @ weight: it is stored (out, in), so query @ weight.T",
            {"_w": "plain"},
        ),
        "query_not_projected": ("W is not used: tanh(W s + U h)", {"_w": "none"}),
        "keys_projected_again": ("the keys are multiplied by W: they are U h already", {"_keys": True}),
        "multiplied": (
            "W s and U h are multiplied: that is the dot product's idea; here they are added",
            {"_join": "times"},
        ),
        "subtracted": ("U h is subtracted: it is added", {"_join": "minus"}),
        "rows_against_words": (
            "the query is laid along the words of all rows and not along its own row: query[:, None] against keys (b s n)",
            {"_axis": "rows"},
        ),
        "mean_for_v": ("the hidden layer is averaged: it is weighed with v", {"_v": "mean"}),
        "sum_for_v": ("the hidden layer is summed: it is weighed with v", {"_v": "sum"}),
        "scaled": (
            "the scores are divided by sqrt({n}), as a dot product's are: not these",
            {"_root": True},
        ),
        "weights_for_scores": ("the softmax is in here already: scores are asked for", {"_softmax": True}),
    },
    of="additive_scores",
)


def align(
    scores, states, mask=None, *,
    _mask="hidden", _fill=-math.inf, _axis=-1, _soft=True, _sum="weights", _order="context", _out="both", _where="before",
    _exp="stable", _eps=1e-6,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    visible = torch.ones_like(scores, dtype=torch.bool) if mask is None or _mask == "ignored" else mask
    if _mask == "inverted" and mask is not None:
        visible = ~mask
    if _where == "after":
        weights = scores.softmax(_axis).masked_fill(~visible, 0.0)
    elif _where == "states":
        weights = scores.softmax(-1)
        states = states * visible[..., None]
    elif _exp == "naive":
        powers = scores.exp() * visible
        weights = powers / powers.sum(-1, keepdim=True)
    elif _exp == "plus eps":
        hidden = scores.masked_fill(~visible, -math.inf)
        powers = (hidden - hidden.amax(-1, keepdim=True)).exp()
        weights = powers / (powers.sum(-1, keepdim=True) + _eps)
    elif _where == "added":
        weights = (scores + _fill * ~visible).softmax(_axis)
    else:
        weights = scores.masked_fill(~visible, _fill).softmax(_axis)
    if not _soft:
        weights = scores.masked_fill(~visible, 0.0)
    if _soft == "hard":
        best = scores.masked_fill(~visible, -math.inf).argmax(-1, keepdim=True)
        weights = torch.zeros_like(scores).scatter(-1, best, 1.0)
    context = (weights[:, None] @ states)[:, 0]
    if _sum == "mean":
        context = (weights[..., None] * states).mean(1)
    elif _sum == "each":
        context = weights[..., None] * states
    elif _sum == "one":
        context = (weights[:, None] @ states).sum(-1)[:, 0]
    elif _sum == "plain":
        context = states.mean(1)
    if _out == "context":
        return context
    return (context, weights) if _order == "context" else (weights, context)


ALIGN = switches(
    align,
    {
        "mask_ignored": ("`mask` is not used: padding gets weight", {"_mask": "ignored"}),
        "mask_inverted": ("the mask is turned round: True means a real word", {"_mask": "inverted"}),
        "mask_after_softmax": (
            "padding's weights are put to zero after the softmax: what remains no longer adds up to 1",
            {"_where": "after"},
        ),
        "states_zeroed": (
            "padding is put to zero in the states: its weight is lost to the other words. Hide its score with -inf",
            {"_where": "states"},
        ),
        "mask_fills_zero": (
            "a score of padding is put to 0 (or multiplied by the mask), and exp(0) is 1: fill with -inf",
            {"_fill": 0.0},
        ),
        "mask_fills_a_number": (
            "a score of padding is put to {_fill}, not low enough where the scores are larger: -inf",
            {"_fill": -1e3},
            {"_fill": [-1e1, -1e2, -1e4, -1e5]},
        ),
        "mask_adds_a_number": (
            "{_fill} is added to a score of padding, which is not enough where the scores are larger: put it to -inf",
            {"_where": "added", "_fill": -1e4},
            {"_fill": [-1e1, -1e2, -1e3, -1e5, -1e9]},
        ),
        "exp_overflows": (
            "exp of large scores overflows, and inf/inf is NaN: call softmax, or take the greatest off first",
            {"_exp": "naive"},
        ),
        "eps_in_the_denominator": (
            "{_eps} is added to the sum that the weights are divided by: they add up to less than 1",
            {"_exp": "plus eps"},
            {"_eps": [1e-4, 1e-5, 1e-7, 1e-8, 1e-9]},
        ),
        "softmax_over_the_batch": ("the softmax runs over the batch (axis 0): over the words", {"_axis": 0}),
        "no_softmax": ("the scores are used as weights: the softmax is missing", {"_soft": False}),
        "hard": ("the best word alone is taken: the context is a mean of all, by their weights", {"_soft": "hard"}),
        "context_averaged": (
            "the weighted states are averaged over the {s} words: they are summed, the weights add up to 1 already",
            {"_sum": "mean"},
        ),
        "context_not_summed": ("the weighted states are not summed over the words: (b e)", {"_sum": "each"}),
        "features_summed": ("the features are summed too: the context is (b e)", {"_sum": "one"}),
        "plain_mean": ("the context is the plain mean of the states: by the weights", {"_sum": "plain"}),
        "weights_first": ("the weights come first: (context, weights)", {"_order": "weights"}),
        "context_only": ("the context alone is returned: (context, weights)", {"_out": "context"}),
    },
    of="align",
)

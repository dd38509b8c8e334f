"""Wrong answers to the backward of cross-entropy that people really give."""

import torch
import torch.nn.functional as F

from headway.learn.cases import mistake, switches


def cross_entropy_backward(
    logits, targets, *, ignore=-100, smoothing=0.0,
    _by="counted", _sign=1, _belief="softmax", _axis=-1, _hide=True, _smooth="given", _truth="one", _ignore="given",
    _jacobian=False,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    if _ignore == "-100":
        ignore = -100
    v = logits.shape[-1]
    counts = (
        targets != ignore if _hide is True or _by in ("counted", "rows") else torch.ones_like(targets, dtype=torch.bool)
    )
    kept = targets != ignore
    safe = targets.masked_fill((targets < 0) | (targets >= v), 0)
    if _belief == "softmax":
        believed = logits.softmax(_axis)
    elif _belief == "log":
        believed = logits.log_softmax(-1)
    elif _belief == "exp":
        believed = logits.exp() / logits.exp().sum(-1, keepdim=True)
    else:
        believed = {"sigmoid": logits.sigmoid(), "logits": logits, "one": torch.ones_like(logits)}[_belief]
    truth = F.one_hot(safe, v).to(logits.dtype)
    if _smooth == "given":
        truth = truth * (1 - smoothing) + smoothing / v
    elif _smooth == "others":
        truth = truth * (1 - smoothing) + (1 - truth) * smoothing / (v - 1)
    elif _smooth == "added":
        truth = truth + smoothing / v
    elif _smooth == "target only":
        truth = truth * (1 - smoothing)
    elif _smooth == "whole":
        truth = truth * (1 - smoothing) + smoothing
    if _truth == "at the target":
        difference = (believed - 1) * F.one_hot(safe, v)
    elif _truth == "none":
        difference = believed
    else:
        difference = (believed - truth) * _sign
    if _jacobian:
        difference = believed * (difference - (difference * believed).sum(-1, keepdim=True))
    if _hide is True:
        difference = difference * counts.unsqueeze(-1)
    number = {
        "counted": kept.sum(),
        "all": targets.numel(),
        "one": 1,
        "batch": targets.shape[0],
        "numbers": logits.numel(),
        "rows": kept.sum(-1, keepdim=True).unsqueeze(-1) if targets.dim() > 1 else kept.sum(),
    }[_by]
    return difference / number


MISTAKES = switches(
    cross_entropy_backward,
    {
        "not_averaged": (
            "the gradient is not divided by the number of targets: the loss is their mean",
            {"_by": "one"},
        ),
        "averaged_over_all": (
            "the gradient is divided by all targets, padding included: only those that count are in the mean",
            {"_by": "all"},
        ),
        "averaged_over_the_batch": (
            "the gradient is divided by the size of the batch: the mean is over every position of every row",
            {"_by": "batch"},
        ),
        "averaged_over_numbers": (
            "the gradient is divided by the number of logits: the mean is over targets, of which there are {v} times fewer",
            {"_by": "numbers"},
        ),
        "averaged_row_by_row": (
            "every row of the batch is divided by its own number of targets: the mean is over all of them at once",
            {"_by": "rows"},
        ),
        "sign_turned": ("the sign is turned: truth minus belief would make the loss grow", {"_sign": -1}),
        "only_at_the_target": (
            "only the logit of the right class gets a gradient: the others have their probability as gradient, for they "
            "share the sum of the softmax",
            {"_truth": "at the target"},
        ),
        "truth_not_subtracted": (
            "these are the probabilities alone: 1 has to be subtracted at the right class",
            {"_truth": "none"},
        ),
        "log_probabilities": (
            "the truth is subtracted from the log-probabilities: it has to be subtracted from the probabilities",
            {"_belief": "log"},
        ),
        "sigmoid": (
            "each logit goes through a sigmoid: classes that exclude each other need a softmax",
            {"_belief": "sigmoid"},
        ),
        "no_softmax": (
            "the truth is subtracted from the logits as they are: the softmax is missing",
            {"_belief": "logits"},
        ),
        "softmax_over_rows": (
            "the softmax runs over the axis before the last: it has to run over the {v} classes, the last axis",
            {"_axis": -2},
        ),
        "softmax_backward_again": (
            "the difference is sent back through the softmax once more: belief minus truth is the gradient of the logits already",
            {"_jacobian": True},
        ),
        "exp_overflows": (
            "exp of the logits overflows where they are large, and inf/inf is NaN: take the greatest off first, or call softmax",
            {"_belief": "exp"},
        ),
        "padding_gets_a_gradient": (
            "the logits of targets that do not count get a gradient all the same: it has to be 0 there",
            {"_hide": False},
        ),
        "ignore_ignored": ("the argument `ignore` is not used: it is always -100", {"_ignore": "-100"}),
        "smoothing_ignored": ("the argument `smoothing` is not used", {"_smooth": "none"}),
        "smoothing_over_the_others": (
            "ε is spread over the {v-1} wrong classes: it is ε/{v} on *every* class, the right one included",
            {"_smooth": "others"},
        ),
        "smoothing_added": (
            "ε/v is added, but nothing taken from the right class: the target adds up to 1 + ε",
            {"_smooth": "added"},
        ),
        "smoothing_taken_only": (
            "1 - ε stands on the right class, and the ε is on none: the target does not add up to 1",
            {"_smooth": "target only"},
        ),
        "smoothing_undivided": (
            "every class gets ε, where it has to be ε/{v}: the target does not add up to 1",
            {"_smooth": "whole"},
        ),
    },
)


@mistake(
    "minus one over the probability at the target is the gradient of the probabilities: it has to go on through the softmax"
)
def of_the_probabilities(logits, targets, *, ignore=-100, smoothing=0.0):
    counts = targets != ignore
    truth = F.one_hot(targets.masked_fill(~counts, 0), logits.shape[-1]).to(logits.dtype)
    return -truth / logits.softmax(-1) * counts.unsqueeze(-1) / counts.sum()

"""Wrong answers to cross-entropy that people really give."""

import math

import torch

from headway.learn.cases import switches


def cross_entropy(
    logits, targets, *, ignore=-100,
    _log="together", _axis=-1, _ignore="given", _over="counted", _twice=False, _sign=-1, _base=1.0, _at="target", _mean="all",
    _none=True, _wide=True, _reduce=None,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    given = logits.dtype
    if _wide is True:
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    elif _wide == "float32":
        logits = logits.float()
    ignore = {"given": ignore, "-100": -100, "0": 0, "none": None}[_ignore]
    counts = targets != ignore if ignore is not None else torch.ones_like(targets, dtype=torch.bool)
    targets = targets.clamp(min=0)
    if _twice:
        logits = logits.softmax(-1)
    axis = _axis if _axis != 1 or logits.dim() > 2 else 0
    if _log == "together":
        log_p = logits.log_softmax(axis)
    elif _log == "apart":
        log_p = logits.softmax(axis).log()
    elif _log == "eps":
        log_p = (logits.softmax(axis) + 1e-9).log()
    elif _log == "clamped":
        log_p = logits.softmax(axis).clamp(1e-7, 1 - 1e-7).log()
    elif _log == "naive":
        log_p = logits - logits.exp().sum(-1, keepdim=True).log()
    elif _log == "one maximum":
        shifted = logits - logits.max()
        log_p = shifted - shifted.exp().sum(-1, keepdim=True).log()
    elif _log == "greatest forgotten":
        greatest = logits.amax(-1, keepdim=True)
        log_p = logits - (logits - greatest).exp().sum(-1, keepdim=True).log()
    elif _log == "sigmoid":
        log_p = torch.nn.functional.logsigmoid(logits)
    elif _log == "binary":
        one = torch.nn.functional.one_hot(targets, logits.shape[-1])
        signs = (2 * one - 1).to(logits.dtype)
        log_p = torch.nn.functional.logsigmoid(signs * logits).sum(-1, keepdim=True).expand_as(logits)
    elif _log == "no log":
        log_p = logits.softmax(axis)
    else:
        log_p = logits
    losses = _sign * _base * log_p.gather(-1, targets[..., None])[..., 0]
    if _at == "greatest":
        losses = -log_p.amax(-1)
    elif _at == "all":
        losses = -log_p.mean(-1)
    losses = losses.masked_fill(~counts, 0.0)
    number = counts.sum()
    number = number.clamp(min=1) if _none else number
    if not _wide:
        losses = losses.to(given)
    if _mean == "of rows" and targets.dim() > 1:
        return (losses.sum(-1) / counts.sum(-1).clamp(min=1)).mean()
    total = losses.sum()
    return {
        "counted": total / number,
        "all": total / targets.numel(),
        "batch": total / len(targets),
        "none": total,
        "classes": total / number / logits.shape[-1],
    }[_over]


MISTAKES = switches(
    cross_entropy,
    {
        "log_of_softmax": (
            "the softmax is taken first and then its logarithm: where a probability is too small for a float that is log 0, "
            "minus infinity. Take log p as logit - logsumexp",
            {"_log": "apart"},
        ),
        "log_of_softmax_plus_eps": (
            "a small number is added before the logarithm, log(p + 1e-9): no infinity any more, but a wrong loss, and no "
            "gradient "
            "where the model is most wrong. Take log p as logit - logsumexp",
            {"_log": "eps"},
        ),
        "probabilities_clamped": (
            "probabilities are clamped before the logarithm: a wrong loss, and no gradient where the model is most wrong. Take "
            "log p as logit - logsumexp",
            {"_log": "clamped"},
        ),
        "exp_overflows": (
            "exp of the logits overflows where they are large: take the greatest of the row off first, or call logsumexp",
            {"_log": "naive"},
        ),
        "one_maximum_for_all": (
            "the greatest logit of the whole tensor is taken off every row: in rows far below it all exp are 0, and their "
            "logarithm infinite. Each row has a greatest of its own",
            {"_log": "one maximum"},
        ),
        "maximum_not_put_back": (
            "the greatest logit is taken off for the sum, and not for the logit of the target: either both or m + log Σ exp(l "
            "- m)",
            {"_log": "greatest forgotten"},
        ),
        "softmax_twice": (
            "the softmax is taken twice: what goes in are logits, and a softmax of probabilities is nearly flat",
            {"_twice": True},
        ),
        "sigmoid": ("a sigmoid is taken in place of the softmax: the classes exclude each other", {"_log": "sigmoid"}),
        "binary": (
            "this is the binary cross-entropy of every class by itself, summed: the classes exclude each other",
            {"_log": "binary"},
        ),
        "no_logarithm": ("the logarithm is missing: this is minus the probability of the target", {"_log": "no log"}),
        "logits_as_log_p": (
            "the logit of the target is taken as log p: logsumexp of the row has to be subtracted",
            {"_log": "nothing"},
        ),
        "softmax_over_axis_1": (
            "the softmax runs over axis 1: in logits (b t v) that is time. The classes are the last axis",
            {"_axis": 1},
        ),
        "softmax_over_the_batch": (
            "the softmax runs over axis 0, the batch: the classes are the last axis",
            {"_axis": 0},
        ),
        "sign": ("the sign is wrong: the loss is minus the logarithm of the probability", {"_sign": 1}),
        "bits": ("the logarithm has base 2: this is in bits, and nats are asked for", {"_base": 1 / math.log(2)}),
        "best_class": (
            "the loss is that of the class the model finds likeliest: it has to be that of the target",
            {"_at": "greatest"},
        ),
        "all_classes": ("the loss is the mean over all classes: only the target counts", {"_at": "all"}),
        "ignore_not_heeded": (
            "targets equal to `ignore` count as class 0 or as any other",
            {"_ignore": "none"},
        ),
        "ignored_in_the_number": (
            "targets that do not count are still in the number that the sum is divided by",
            {"_over": "all"},
        ),
        "ignore_always_minus_100": (
            "`ignore` is not used: it is always -100, and was {ignore} here",
            {"_ignore": "-100"},
        ),
        "ignore_always_0": ("the target 0 is left out: it is {ignore} that does not count", {"_ignore": "0"}),
        "mean_of_row_means": (
            "each row is averaged by itself and then the rows: rows with few targets count as much as full ones. Sum all, then "
            "divide by the number of all",
            {"_mean": "of rows"},
        ),
        "over_the_batch_only": (
            "the sum is divided by the {b} rows: it has to be divided by the number of targets",
            {"_over": "batch"},
        ),
        "summed": ("the losses are summed: their mean is asked for", {"_over": "none"}),
        "over_the_classes_too": ("the sum is divided by the {v} classes as well", {"_over": "classes"}),
        "nan_without_targets": ("without a target that counts the loss is 0/0: 0 is asked for", {"_none": False}),
        "not_widened": (
            "bfloat16 logits are not widened: the logarithm keeps two or three digits, and the result is bfloat16",
            {"_wide": False},
        ),
        "always_float32": (
            "logits are turned into float32 whatever they are: of float64 that keeps 7 digits",
            {"_wide": "float32"},
        ),
    },
    kinds={"not_widened": "dtype", "always_float32": "dtype"},
)

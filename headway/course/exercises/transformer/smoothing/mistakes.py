"""Wrong answers to label smoothing that people really give."""

import torch

from headway.learn.cases import switches


def cross_entropy(
    logits, targets, *, smoothing=0.0,
    _spread="all", _rest="mean", _masked="both", _over="sum", _kl=False, _swap=False, _log="together", _axis=-1, _sign=-1,
    _given=True, _of="log p", _tiny=1e-8, _always=None,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    v = logits.shape[-1]
    counts = targets != -100
    eps = smoothing if _given else 0.0
    if _always is not None:
        eps = _always
    if _of == "logits":
        logits = (1 - eps) * logits + eps * logits.mean(-1, keepdim=True)
        eps = 0.0
    log_p = logits.log_softmax(_axis)
    if _log == "apart":
        log_p = logits.softmax(-1).log()
    elif _log == "eps":
        log_p = (logits.softmax(-1) + _tiny).log()
    elif _log == "smoothed":
        log_p = ((1 - eps) * logits.softmax(-1) + eps / v).log()
        eps = 0.0
    elif _log == "none":
        log_p = logits
    here = targets.clamp(min=0)
    if _swap:
        eps = 1 - eps
    q = torch.zeros_like(logits)
    if _spread == "all":
        q = q + eps / v
        q = q.scatter_add(1, here[:, None], torch.full_like(q[:, :1], 1 - eps))
    elif _spread == "others":
        q = q + eps / max(v - 1, 1)
        q = q.scatter(1, here[:, None], torch.full_like(q[:, :1], 1 - eps))
    elif _spread == "two left out":
        q = q + eps / max(v - 2, 1)
        q = q.scatter(1, here[:, None], torch.full_like(q[:, :1], 1 - eps))
    elif _spread == "target kept":
        q = q + eps / v
        q = q.scatter(1, here[:, None], torch.full_like(q[:, :1], 1 - eps))
    elif _spread == "too much":
        q = q + eps / v
        q = q.scatter_add(1, here[:, None], torch.ones_like(q[:, :1]))
    elif _spread == "not divided":
        q = q + eps
        q = q.scatter_add(1, here[:, None], torch.full_like(q[:, :1], 1 - eps))
    elif _spread == "target only":
        q = q.scatter(1, here[:, None], torch.full_like(q[:, :1], 1 - eps))
    if _masked == "both":
        q = q * counts[:, None]
    elif _masked == "target":
        flat = torch.full_like(q, eps / v)
        q = torch.where(counts[:, None], q, flat)
    losses = _sign * (q * log_p.masked_fill(q == 0, 0.0)).sum(-1)
    if _kl:
        losses = losses + torch.special.xlogy(q, q).sum(-1)
    total = losses.sum()
    if _over == "counted":
        return total / counts.sum().clamp(min=1)
    if _over == "rows":
        return total / len(targets)
    return total


MISTAKES = switches(
    cross_entropy,
    {
        "spread_over_the_others": (
            "ε is spread over the {v} - 1 classes that are wrong: over all {v}, the target included, each gets ε/{v} here",
            {"_spread": "others"},
        ),
        "spread_over_two_less": (
            "ε is spread over {v} - 2 classes, target and padding left out, as in the annotated Transformer: each of all {v} "
            "gets "
            "ε/{v}",
            {"_spread": "two left out"},
        ),
        "target_without_its_share": (
            "the target gets 1 - ε and nothing of what is spread: q adds up to 1 - ε/{v}. It gets 1 - ε + ε/{v}",
            {"_spread": "target kept"},
        ),
        "more_than_1": (
            "the target keeps its whole 1 and ε/{v} is added everywhere: q adds up to 1 + ε. It gets 1 - ε + ε/{v}",
            {"_spread": "too much"},
        ),
        "not_divided_by_v": (
            "every class gets ε: it has to be ε/{v}",
            {"_spread": "not divided"},
        ),
        "weakened_only": (
            "the target's loss is multiplied by 1 - ε, and the other classes get nothing: ε/{v} each",
            {"_spread": "target only"},
        ),
        "smoothing_where_nothing_counts": (
            "the smoothing part is taken over targets of -100 as well: both parts have to leave them out",
            {"_masked": "target"},
        ),
        "minus_100_counted": (
            "targets of -100 are counted as class 0",
            {"_masked": "none"},
        ),
        "averaged_over_targets": (
            "the losses are averaged: their sum is asked for, so that parts of a batch can be added up",
            {"_over": "counted"},
        ),
        "averaged_over_rows": (
            "the sum is divided by the {n} rows: the sum itself is asked for",
            {"_over": "rows"},
        ),
        "divergence": (
            "this is the divergence of p from q (KLDivLoss), which is less by the entropy of q: same gradients, another number. "
            "The cross-entropy is -Σ q log p",
            {"_kl": True},
        ),
        "parts_exchanged": (
            "1 - ε and ε are exchanged: the target has to get the greater part",
            {"_swap": True},
        ),
        "probabilities_smoothed": (
            "the model's probabilities are smoothed, log((1 - ε) p + ε/{v}): it is the target that is",
            {"_log": "smoothed"},
        ),
        "logits_smoothed": (
            "the logits are drawn towards their mean: it is the target that is smoothed",
            {"_of": "logits"},
        ),
        "log_of_softmax": (
            "the softmax is taken first and then its logarithm: where a probability is too small for a float that is log 0, and "
            "with smoothing every class counts",
            {"_log": "apart"},
        ),
        "log_of_softmax_plus_eps": (
            "a small number is added before the logarithm, log(p + {_tiny}): with large logits a wrong loss. Use log_softmax",
            {"_log": "eps"},
            {"_tiny": [1e-5, 1e-6, 1e-7, 1e-9, 1e-10, 1e-12, 1e-20]},
        ),
        "no_softmax": ("logits are taken for log p: log_softmax is missing", {"_log": "none"}),
        "softmax_over_rows": ("the softmax runs over the rows (axis 0): the classes are the last axis", {"_axis": 0}),
        "sign": ("the sign is wrong: the loss is minus Σ q log p", {"_sign": 1}),
        "smoothing_ignored": ("`smoothing` is not used", {"_given": False}),
        "always_a_tenth": (
            "`smoothing` is not used: ε is always {_always}, and was {smoothing} here",
            {"_always": 0.1},
            {"_always": [0.05, 0.2]},
        ),
    },
)

"""Wrong answers to gradient accumulation that people really give."""

import torch
import torch.nn.functional as F

from headway.learn.cases import switches


def _parts_of(weight, parts, ignore=True):
    """Of each part: the sum of its losses, the gradient of that sum, targets that count, rows."""
    found = []
    for x, targets in parts:
        if not ignore:
            targets = targets.clamp(min=0)
        kept = targets != -100
        logits, wanted = x[kept] @ weight, targets[kept]
        loss = (logits.logsumexp(-1) - logits.gather(1, wanted[:, None])[:, 0]).sum()
        error = logits.softmax(-1) - F.one_hot(wanted, weight.shape[1])
        found.append((loss, x[kept].T @ error, int(kept.sum()), len(targets)))
    return found


def _combined(weight, parts, by, ignore=True):
    """Loss and gradient, divided in one of several ways."""
    found = _parts_of(weight, parts, ignore)
    if by == "last part":
        found = found[-1:]
    count, rows = sum(n for _, _, n, _ in found), sum(n for _, _, _, n in found)
    zero = torch.zeros((), dtype=weight.dtype)

    def added(each):
        return sum((each(*row)[0] for row in found), zero), sum(
            (each(*row)[1] for row in found), torch.zeros_like(weight)
        )

    if by == "mean of means":
        total = added(lambda loss, g, n, _: (loss / max(n, 1), g / max(n, 1)))
        return total[0] / len(found), total[1] / len(found)
    if by == "nan means":
        total = added(lambda loss, g, n, _: (loss / n if n else loss / 0.0, g / n if n else g / 0.0))
        return total[0] / len(found), total[1] / len(found)
    if by == "mean of full means":
        full = sum(n > 0 for _, _, n, _ in found) or 1
        total = added(lambda loss, g, n, _: (loss / max(n, 1), g / max(n, 1)))
        return total[0] / full, total[1] / full
    if by == "sum of means":
        return added(lambda loss, g, n, _: (loss / max(n, 1), g / max(n, 1)))
    total = added(lambda loss, g, n, _: (loss, g))
    divisor = {
        "count": max(count, 1),
        "nan": count if count else float("nan"),
        "rows": rows,
        "sum": 1,
        "parts": len(found),
        "count and parts": max(count, 1) * len(found),
        "last count": max(found[-1][2], 1),
        "first count": max(found[0][2], 1),
        "last part": max(count, 1),
    }
    if by == "gradient not divided":
        return total[0] / max(count, 1), total[1]
    if by == "gradient divided by parts":
        return total[0] / max(count, 1), total[1] / len(found)
    if by == "loss of the last":
        return found[-1][0] / max(found[-1][2], 1), total[1] / max(count, 1)
    if by == "loss summed":
        return total[0], total[1] / max(count, 1)
    if by == "mean loss":
        means = added(lambda loss, g, n, _: (loss / max(n, 1), g))
        return means[0] / len(found), total[1] / max(count, 1)
    return total[0] / divisor[by], total[1] / divisor[by]


def accumulate(weight, parts, *, _by="count", _ignore=True):
    """The right answer, with a switch per mistake."""
    return _combined(weight, parts, _by, _ignore)


ACCUMULATE = switches(
    accumulate,
    {
        "mean_of_means": (
            "each part's mean loss is divided by the number of parts: a part with few targets counts as much as one with many. "
            "Add up sums, and divide once by the number of all targets",
            {"_by": "mean of means"},
        ),
        "means_with_nan": (
            "each part's mean loss is divided by the number of parts, and a part without targets is 0/0: NaN goes into all the "
            "gradients. Add up sums, and divide once",
            {"_by": "nan means"},
        ),
        "mean_of_full_means": (
            "the means of those parts that have targets are averaged: still a part with few of them counts as much as one with "
            "many",
            {"_by": "mean of full means"},
        ),
        "sum_of_means": (
            "the parts' mean losses are added and not divided: the gradient grows with the number of parts",
            {"_by": "sum of means"},
        ),
        "rows_counted": (
            "the sum is divided by the number of rows: those whose target is -100 do not count",
            {"_by": "rows"},
        ),
        "not_divided": ("the sums are not divided: by the number of all targets that count", {"_by": "sum"}),
        "divided_by_parts": (
            "the sums are divided by the number of parts: by the number of all targets that count",
            {"_by": "parts"},
        ),
        "divided_twice": (
            "the sum is divided by the number of targets and by that of the parts as well: once is enough",
            {"_by": "count and parts"},
        ),
        "count_of_the_last_part": (
            "the sum over all parts is divided by the number of targets in the last: in all of them",
            {"_by": "last count"},
        ),
        "count_of_the_first_part": (
            "the sum over all parts is divided by the number of targets in the first: in all of them",
            {"_by": "first count"},
        ),
        "only_the_last_part": (
            "only the last part is left: the gradient was set to zero, or replaced, for each part. It has to add up",
            {"_by": "last part"},
        ),
        "gradient_not_divided": (
            "the loss is divided by the number of targets, and its gradient is not",
            {"_by": "gradient not divided"},
        ),
        "gradient_divided_by_parts": (
            "the loss is divided by the number of targets, and its gradient by that of the parts",
            {"_by": "gradient divided by parts"},
        ),
        "loss_of_the_last_part": (
            "the gradient is right; the loss is that of the last part alone",
            {"_by": "loss of the last"},
        ),
        "loss_not_divided": ("the gradient is right; the loss is the sum, not the mean", {"_by": "loss summed"}),
        "loss_a_mean_of_means": (
            "the gradient is right; the loss is the mean of the parts' means",
            {"_by": "mean loss"},
        ),
        "nan_without_targets": ("without a target that counts the result is 0/0: 0 is asked for", {"_by": "nan"}),
        "minus_100_counted": ("targets of -100 are counted as class 0", {"_ignore": False}),
    },
    of="accumulate",
)


def train_step(weight, parts, *, lr, clip, _by="count", _clip="whole", _steps="one", _sign=-1, _rate="lr"):
    """The right answer, with a switch per mistake."""

    def clipped(gradient):
        norm = gradient.norm()
        if _clip == "value":
            return gradient.clamp(-clip, clip)
        if _clip == "none":
            return gradient
        if _clip == "always":
            return gradient * (clip / norm) if norm > 0 else gradient
        return gradient * (clip / norm) if norm > clip else gradient

    if _steps == "each":
        for one in parts:
            weight = weight + _sign * lr * clipped(_combined(weight, [one], _by)[1])
        return weight
    if _clip == "parts":
        found = _parts_of(weight, parts)
        count = max(1, sum(n for _, _, n, _ in found))
        gradient = sum((clipped(g / count) for _, g, _, _ in found), torch.zeros_like(weight))
    elif _clip == "before dividing":
        found = _parts_of(weight, parts)
        count = max(1, sum(n for _, _, n, _ in found))
        gradient = clipped(sum((g for _, g, _, _ in found), torch.zeros_like(weight))) / count
    else:
        gradient = clipped(_combined(weight, parts, _by)[1])
    if _rate == "over parts":
        lr = lr / len(parts)
    elif _rate == "times parts":
        lr = lr * len(parts)
    return weight + _sign * lr * gradient


STEP = switches(
    train_step,
    {
        "step_per_part": (
            "a step is made after each part: the gradients of all parts belong to the weights as they were, and make one step",
            {"_steps": "each"},
        ),
        "step_by_mean_of_means": (
            "the step uses the mean of the parts' means: sums, divided once by the number of all targets",
            {"_by": "mean of means"},
        ),
        "clipped_part_by_part": (
            "each part's gradient is clipped before it is added: the limit is on the whole, after the last part",
            {"_clip": "parts"},
        ),
        "clipped_before_dividing": (
            "the sum is clipped before it is divided by the number of targets: divide first, then clip",
            {"_clip": "before dividing"},
        ),
        "clipped_by_value": (
            "each number of the gradient is clipped to ±{clip}: it is the norm that is limited",
            {"_clip": "value"},
        ),
        "not_clipped": ("the gradient is not clipped: its norm may be {clip} at most", {"_clip": "none"}),
        "scaled_up_too": (
            "the gradient always gets the norm {clip}: a smaller one stays as it is",
            {"_clip": "always"},
        ),
        "uphill": ("the step goes up: the gradient is subtracted", {"_sign": 1}),
        "rate_over_parts": (
            "the learning rate is divided by the number of parts: it is one step of one batch",
            {"_rate": "over parts"},
        ),
        "rate_times_parts": (
            "the learning rate is multiplied by the number of parts: it is one step of one batch",
            {"_rate": "times parts"},
        ),
    },
    of="train_step",
)

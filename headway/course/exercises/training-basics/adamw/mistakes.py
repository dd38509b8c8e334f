"""Wrong answers to AdamW that people really give."""

from headway.learn.cases import mistake, switches


def adamw(
    weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay,
    _mean=True, _square=True, _t=0, _decay="decoupled", _eps="outside", _root=True, _v="square", _betas="given", _kept="plain",
    _m="new", _sign=1, _weights="1 - beta", _given=True, _order="w m v",
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    beta1, beta2 = betas if _betas == "given" else betas[::-1]
    if not _given:
        eps = 1e-8
    step = step + _t
    start = weight
    if _decay == "l2":
        grad = grad + weight_decay * weight
    elif _decay == "l2 half":
        grad = grad + weight_decay * weight / 2
    new = 1.0 if _weights == "1" else None
    old = exp_avg
    exp_avg = beta1 * exp_avg + (new or 1 - beta1) * grad
    squared = {"square": grad**2, "variance": (grad - exp_avg) ** 2, "absolute": grad.abs(), "norm": (grad**2).mean()}[
        _v
    ]
    exp_avg_sq = beta2 * exp_avg_sq + (new or 1 - beta2) * squared
    mean = exp_avg if _m == "new" else old if _m == "old" else grad
    mean = mean / (1 - beta1**step) if _mean is True else mean / (1 - beta1) if _mean == "once" else mean
    square = exp_avg_sq
    if _square is True:
        square = square / (1 - beta2**step) if step else square
    elif _square == "beta1":
        square = square / (1 - beta1**step)
    if _eps == "outside":
        root = square.sqrt() + eps
    elif _eps == "before correction":
        root = (exp_avg_sq.sqrt() + eps) / (1 - beta2**step) ** 0.5
    else:
        root = (square + eps).sqrt()
    if not _root:
        root = square + eps
    update = lr * mean / root
    if _decay == "decoupled":
        weight = weight - lr * weight_decay * weight
    elif _decay == "without lr":
        weight = weight - weight_decay * weight
    elif _decay == "added":
        weight = weight + lr * weight_decay * weight
    weight = weight - _sign * update
    if _decay == "after":
        weight = weight * (1 - lr * weight_decay)
    elif _decay == "replaces":
        weight = start * lr * weight_decay - update
    if _kept == "corrected":
        exp_avg, exp_avg_sq = mean, square
    return (weight, exp_avg, exp_avg_sq) if _order == "w m v" else (weight, exp_avg_sq, exp_avg)


MISTAKES = switches(
    adamw,
    {
        "no_correction": (
            "neither average is corrected for having started at 0: at step {step}, m has to be divided by 1 - β1^{step} and v by "
            "1 - β2^{step}",
            {"_mean": False, "_square": False},
        ),
        "mean_not_corrected": ("m is not corrected: it has to be divided by 1 - β1^{step}", {"_mean": False}),
        "square_not_corrected": ("v is not corrected: it has to be divided by 1 - β2^{step}", {"_square": False}),
        "square_corrected_with_beta1": (
            "v is divided by 1 - β1^{step}: its own factor is 1 - β2^{step}",
            {"_square": "beta1"},
        ),
        "step_counted_from_0": (
            "the correction uses {step} - 1 as the step: it is counted from 1 here, and at 1 there would be a division by 0",
            {"_t": -1},
        ),
        "step_counted_from_2": (
            "the correction uses {step} + 1 as the step: it is counted from 1 already",
            {"_t": 1},
        ),
        "corrected_values_kept": (
            "the corrected averages are returned: the next step needs them as they were before the division",
            {"_kept": "corrected"},
        ),
        "l2_in_the_gradient": (
            "the weight decay is put into the gradient (grad + λ w), as in Adam with L2: it then goes through both averages and "
            "is divided by sqrt(v). AdamW takes it from the weight itself",
            {"_decay": "l2"},
        ),
        "decay_without_lr": (
            "the weight decay is not multiplied by the learning rate: w loses λ w = {weight_decay} w in one step, in place of "
            "lr · λ · w",
            {"_decay": "without lr"},
        ),
        "decay_added": ("the weight decay is added: the weight has to shrink", {"_decay": "added"}),
        "decay_after_the_update": (
            "the weight is decayed after the update, so that the update decays too: both are taken from the weight as it came",
            {"_decay": "after"},
        ),
        "decay_ignored": ("`weight_decay` is not used", {"_decay": "none"}),
        "eps_under_the_root": ("ε is added to v under the root: it has to be added to the root", {"_eps": "inside"}),
        "eps_before_the_correction": (
            "ε is added to sqrt(v) before the correction, and is divided by sqrt(1 - β2^{step}) with it: it has to be added last",
            {"_eps": "before correction"},
        ),
        "eps_ignored": ("the argument `eps` is not used: it is always 1e-8, and was {eps} here", {"_given": False}),
        "no_root": ("the update is divided by v: it has to be its square root", {"_root": False}),
        "gradient_not_averaged": (
            "the update uses the gradient itself where it has to use m, its running mean",
            {"_m": "grad"},
        ),
        "old_mean": ("the update uses m of the step before: it has to be the new one", {"_m": "old"}),
        "variance_of_the_gradient": (
            "v averages (g - m)², as AdaBelief does: Adam's is g²",
            {"_v": "variance"},
        ),
        "absolute_value": ("v averages |g|: it has to be g²", {"_v": "absolute"}),
        "one_for_the_whole_tensor": ("v has one value for the whole tensor: every weight has its own", {"_v": "norm"}),
        "betas_exchanged": (
            "β1 and β2 are exchanged: the first goes with m, the second with v",
            {"_betas": "exchanged"},
        ),
        "gradient_not_weighed": (
            "the new gradient is added with the factor 1, as momentum does: with 1 - β the average stays an average",
            {"_weights": "1"},
        ),
        "uphill": ("the update is added to the weight: it has to be subtracted", {"_sign": -1}),
        "averages_exchanged": ("v is returned in the place of m: weight, m, v is the order", {"_order": "w v m"}),
    },
)


@mistake("the averages are changed in place: the caller's tensors are others after the call", kind="in-place")
def in_place(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    new = adamw(weight, grad, exp_avg, exp_avg_sq, step, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
    exp_avg.copy_(new[1])
    exp_avg_sq.copy_(new[2])
    return new

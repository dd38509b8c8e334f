"""Wrong answers to layer normalisation that people really give."""

import torch

from headway.learn.cases import mistake, switches


def layer_norm(
    x, weight, bias, eps=None, *,
    _correction=0, _eps="variance", _given=True, _axes="last", _mean=True, _centre="variance", _root=True, _gain="after",
    _plus=0.0, _bias=True, _statistics="differentiable", _through=None, _default=1e-5, _least=None,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    eps = _default if eps is None or not _given else eps
    if _least is not None:
        eps = max(eps, _least)
    given = x.dtype
    if _through is not None:
        x = x.to(_through)
    axes = {
        "last": (-1,),
        "first": (0,),
        "one": (min(1, x.dim() - 1),),
        "all": tuple(range(x.dim())),
        "all but the batch": tuple(range(1, x.dim())) or (-1,),
    }[_axes]
    source = x.detach() if _statistics == "detached" else x
    mean = source.mean(axes, keepdim=True)
    if _centre == "squares":
        variance = source.square().mean(axes, keepdim=True)
    elif _centre == "difference":
        variance = source.square().mean(axes, keepdim=True) - mean.square()
    elif _centre == "absolute":
        variance = (source - mean).abs().mean(axes, keepdim=True).square()
    else:
        variance = source.var(axes, keepdim=True, correction=_correction)
    deviation = (variance + eps).sqrt()
    if _eps == "deviation":
        deviation = variance.sqrt() + eps
    elif _eps == "none":
        deviation = variance.sqrt()
    elif _eps == "squared":
        deviation = (variance + eps**2).sqrt()
    elif _eps == "clamp":
        deviation = variance.clamp(min=eps).sqrt()
    if not _root:
        deviation = variance + eps
    normal = ((x - mean) if _mean else x) / deviation
    normal = normal.to(given)
    gain = weight + _plus
    if _gain == "none":
        return normal + bias
    if not _bias:
        return normal * gain
    return (normal + bias) * gain if _gain == "last" else normal * gain + bias


MISTAKES = switches(
    layer_norm,
    {
        "bessel": (
            "the variance is divided by {d-1}, the default of torch.var and torch.std: layer norm divides by {d} "
            "(unbiased=False)",
            {"_correction": 1},
        ),
        "eps_outside_the_root": (
            "eps is added to the standard deviation, sqrt(var) + eps: it belongs under the root, sqrt(var + eps)",
            {"_eps": "deviation"},
        ),
        "bessel_and_eps_outside": (
            "x.std() has Bessel's correction, and eps is added to it outside of the root: it is sqrt(var + eps) with the "
            "variance divided by {d}, not {d-1}",
            {"_correction": 1, "_eps": "deviation"},
        ),
        "eps_missing": ("eps is not used at all: features that are all equal give 0/0", {"_eps": "none"}),
        "eps_squared": ("eps is squared before it is added to the variance: it is added as it is", {"_eps": "squared"}),
        "eps_as_a_floor": (
            "eps is a lower bound of the variance (clamp, max): it has to be added to it",
            {"_eps": "clamp"},
        ),
        "eps_ignored": ("the argument `eps` is not used: it is always 1e-5, and was {eps} here", {"_given": False}),
        "another_default_eps": (
            "the default of eps is {_default}: 1e-5 is asked for, as PyTorch has it",
            {"_default": 1e-6},
            {"_default": [1e-3, 1e-4, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12]},
        ),
        "eps_has_a_floor": (
            "an eps below {_least} is not taken as it is given: it was {eps} here, and is added to the variance as it is",
            {"_least": 1e-5},
            {"_least": [1e-3, 1e-6, 1e-8, 1e-12]},
        ),
        "batch_statistics": (
            "mean and variance are taken over the batch (axis 0), as batch normalisation does: here they are those of a "
            "position's own {d} features (axis -1)",
            {"_axes": "first"},
        ),
        "over_axis_1": (
            "mean and variance are taken over axis 1: the features are the last axis, dim=-1, however many come before it",
            {"_axes": "one"},
        ),
        "over_everything": (
            "mean and variance are taken over the whole tensor (a dim is missing): every position has its own",
            {"_axes": "all"},
        ),
        "over_time_and_features": (
            "mean and variance are taken over time and features together, as for images: every position has its own",
            {"_axes": "all but the batch"},
        ),
        "mean_not_taken_off": (
            "x is divided without its mean having been taken off: (x - mean) / sqrt(var + eps)",
            {"_mean": False},
        ),
        "rms_norm": (
            "this is RMSNorm: x over the root of its mean square. Layer norm takes the mean off first, from x and within "
            "the variance",
            {"_mean": False, "_centre": "squares"},
        ),
        "mean_square_for_variance": (
            "the mean of x² is taken for the variance: the mean has to be taken off before squaring",
            {"_centre": "squares"},
        ),
        "difference_of_squares": (
            "the variance is computed as E[x²] - E[x]²: where features are far from zero that is the difference of two large, "
            "nearly equal numbers. Take the mean off first, then square",
            {"_centre": "difference"},
        ),
        "mean_absolute_deviation": (
            "the spread is the mean of |x - mean|: it has to be the root of the mean square",
            {"_centre": "absolute"},
        ),
        "no_root": ("x is divided by the variance: it has to be its square root", {"_root": False}),
        "weight_last": (
            "the bias is added before the weight multiplies: it is normal · weight + bias",
            {"_gain": "last"},
        ),
        "weight_ignored": ("`weight` is not used", {"_gain": "none"}),
        "bias_ignored": ("`bias` is not used", {"_bias": False}),
        "one_plus_weight": (
            "the gain is 1 + weight, as Gemma stores it: here it is weight itself",
            {"_plus": 1.0},
        ),
        "statistics_detached": (
            "mean and variance are cut out of the graph (no_grad or detach): the result is right and the gradient of x wrong, "
            "for both are made of x",
            {"_statistics": "detached"},
        ),
        "through_float32": (
            "x is turned into float32 on the way: for float64 the result is right to about 7 digits only",
            {"_through": torch.float32},
        ),
    },
    kinds={"statistics_detached": "gradient", "through_float32": "precision"},
)


@mistake("the mean is taken off in place (`x -= ...`): the caller's tensor is another after the call", kind="in-place")
def centred_in_place(x, weight, bias, eps=1e-5):
    y = layer_norm(x, weight, bias, eps)
    x.data -= x.data.mean(-1, keepdim=True)
    return y

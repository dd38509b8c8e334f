"""Wrong answers to RMSNorm that people really give."""

import torch

from headway.learn.cases import mistake, switches


def rms_norm(
    x, weight, eps, *,
    _mean="left", _square="mean", _eps="inside", _axes=(-1,), _plus=0.0, _weight=True, _wide="promoted", _narrow=True,
    _statistics="differentiable", _root=True, _given=True, _half=(torch.float16, torch.bfloat16), _least=0.0,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    if not _given:
        eps = 1e-6
    eps = max(eps, _least)
    wide = x.to(torch.promote_types(x.dtype, torch.float32)) if x.dtype in _half else x
    if _wide == "no":
        wide = x
    elif _wide == "float32":
        wide = x.float()
    source = wide.detach() if _statistics == "detached" else wide
    mean = source.mean(-1, keepdim=True)
    axes = tuple(range(x.dim())) if _axes == "all" else tuple(range(1, x.dim())) if _axes == "rest" else _axes
    if _mean == "off":
        wide, source = wide - mean, source - mean
    if _mean == "variance":
        square = (source - mean).square().mean(axes, keepdim=True)
    elif _square == "sum":
        square = source.square().sum(axes, keepdim=True)
    elif _square == "absolute":
        square = source.abs().mean(axes, keepdim=True).square()
    elif _square == "square of mean":
        square = source.mean(axes, keepdim=True).square()
    else:
        square = source.square().mean(axes, keepdim=True)
    root = (square + eps).sqrt() if _eps == "inside" else square.sqrt() + eps
    if _eps == "none":
        root = square.sqrt()
    elif _eps == "floor":
        root = square.clamp(min=eps).sqrt()
    if not _root:
        root = square + eps
    normal = wide / root
    if _narrow is True:
        normal = normal.to(x.dtype)
    if not _weight:
        return normal
    return normal * (weight + _plus)


MISTAKES = switches(
    rms_norm,
    {
        "mean_taken_off": (
            "the mean is taken off, as in layer norm: RMSNorm divides x as it is by the root of the mean of its squares",
            {"_mean": "off"},
        ),
        "variance_for_mean_square": (
            "x is divided by its standard deviation: it has to be the root of the mean of x², with no mean taken off",
            {"_mean": "variance"},
        ),
        "sum_for_mean": (
            "the squares are summed, not averaged: the sum has to be divided by the {d} features (this is the unit vector, "
            "sqrt({d}) times too short)",
            {"_square": "sum"},
        ),
        "mean_absolute_value": (
            "x is divided by the mean of |x|: it has to be the root of the mean of x²",
            {"_square": "absolute"},
        ),
        "square_of_the_mean": (
            "the mean is squared, not the numbers: x.mean() ** 2 in place of (x ** 2).mean()",
            {"_square": "square of mean"},
        ),
        "eps_outside_the_root": (
            "eps is added after the root: it belongs to the mean square, sqrt(mean(x²) + eps)",
            {"_eps": "outside"},
        ),
        "eps_missing": ("eps is not used: x = 0 gives 0/0", {"_eps": "none"}),
        "eps_as_a_floor": (
            "eps is a lower bound of the mean square (clamp, max): it has to be added to it",
            {"_eps": "floor"},
        ),
        "eps_ignored": ("the argument `eps` is not used: it is always 1e-6, and was {eps} here", {"_given": False}),
        "no_root": ("x is divided by the mean square: it has to be its root", {"_root": False}),
        "over_the_batch": (
            "the mean square is taken over axis 0: it is over a position's own {d} features, axis -1",
            {"_axes": (0,)},
        ),
        "over_everything": (
            "the mean square is taken over the whole tensor (a dim is missing): every position has its own",
            {"_axes": "all"},
        ),
        "over_time_and_features": (
            "the mean square is taken over time and features together: every position has its own",
            {"_axes": "rest"},
        ),
        "one_plus_weight": (
            "the gain is 1 + weight, as Gemma stores it: here, as in Llama, it is weight itself",
            {"_plus": 1.0},
        ),
        "weight_ignored": ("`weight` is not used", {"_weight": False}),
        "not_widened": (
            "the squares are taken in half precision: in float16 300² is infinite already, and bfloat16 keeps two digits of it. "
            "Take the mean square in float32",
            {"_wide": "no"},
        ),
        "bfloat16_not_widened": (
            "bfloat16 is not widened, only float16: bfloat16 does not overflow, but it keeps two digits of the mean square. Take "
            "it in float32",
            {"_half": (torch.float16,)},
        ),
        "eps_has_a_floor": (
            "an eps below {_least} is not taken as it is given: it was {eps} here, and is added to the mean square as it is",
            {"_least": 1e-6},
            {"_least": [1e-3, 1e-5, 1e-8, 1e-12]},
        ),
        "not_narrowed": (
            "the result stays float32 where x is bfloat16 or float16: it has to come back in the dtype of x",
            {"_narrow": False, "_plus": torch.zeros(())},
        ),
        "always_float32": (
            "x is turned into float32 whatever it is (`x.float()`): of float64 that keeps 7 digits. Only half precision has to "
            "be widened",
            {"_wide": "float32"},
        ),
        "statistics_detached": (
            "the mean square is cut out of the graph (no_grad or detach): the result is right and the gradient of x wrong, for "
            "it is made of x",
            {"_statistics": "detached"},
        ),
    },
    kinds={"statistics_detached": "gradient", "always_float32": "precision", "not_narrowed": "dtype"},
)


@mistake("x is divided in place: the caller's tensor is another after the call", kind="in-place")
def in_place(x, weight, eps):
    y = rms_norm(x, weight, eps)
    x.data /= (x.data.square().mean(-1, keepdim=True) + eps).sqrt()
    return y


@mistake("a bias is subtracted, the mean of the result: RMSNorm centres nothing, neither before nor after")
def centred_after(x, weight, eps):
    y = rms_norm(x, torch.ones_like(weight), eps)
    return (y - y.mean(-1, keepdim=True)) * weight

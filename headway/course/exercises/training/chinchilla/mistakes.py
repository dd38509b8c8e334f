"""Wrong answers to Chinchilla's arithmetic that people really give."""

import math

from headway.learn.cases import switches


def flops(n, d, *, _per=6, _sum=False):
    """The right answer, with a switch per mistake."""
    return _per * (n + d) if _sum else _per * n * d


FLOPS = switches(
    flops,
    {
        "forward_only": (
            "2 FLOPs for each parameter and token are the forward pass alone: the backward pass is 4 more",
            {"_per": 2},
        ),
        "backward_only": (
            "4 FLOPs for each parameter and token are the backward pass alone: 2 more forward",
            {"_per": 4},
        ),
        "three_passes": (
            "3 FLOPs for each parameter and token: the three passes' worth are 2 each, a multiplication and an addition",
            {"_per": 3},
        ),
        "recomputed": (
            "8 FLOPs for each are those with activations computed twice: without it they are 6",
            {"_per": 8},
        ),
        "no_factor": ("the factor 6 is missing", {"_per": 1}),
        "added": ("parameters and tokens are added: every token goes through every parameter", {"_sum": True}),
    },
    of="flops",
)


def at_ratio(c, ratio=20.0, *, _how="right", _given=True):
    """The right answer, with a switch per mistake."""
    ratio = ratio if _given else 20.0
    n = math.sqrt(c / (6 * ratio))
    if _how == "no six":
        n = math.sqrt(c / ratio)
    elif _how == "two":
        n = math.sqrt(c / (2 * ratio))
    elif _how == "no root":
        n = c / (6 * ratio)
    elif _how == "half":
        n = math.sqrt(c / 6)
    elif _how == "upside down":
        n = math.sqrt(c * ratio / 6)
        return n, n / ratio
    elif _how == "rounded":
        return round(n), round(ratio * n)
    elif _how == "outside":
        n = math.sqrt(c / 6) / ratio
        return n, ratio * n
    return n, ratio * n


RATIO = switches(
    at_ratio,
    {
        "six_forgotten": ("the 6 is missing: c = 6 n d, so n = sqrt(c / (6 · ratio))", {"_how": "no six"}),
        "two_for_six": ("there is a 2 where the 6 belongs: training is forward and backward", {"_how": "two"}),
        "root_forgotten": ("the root is missing: n stands in c = 6 n · ratio · n twice", {"_how": "no root"}),
        "ratio_not_under_the_root": (
            "n = sqrt(c / 6) does not know of the ratio: n = sqrt(c / (6 · ratio))",
            {"_how": "half"},
        ),
        "ratio_outside_the_root": (
            "the ratio is divided by outside of the root: n = sqrt(c / (6 · ratio))",
            {"_how": "outside"},
        ),
        "parameters_per_token": (
            "there are {ratio} parameters for each token, or the two are returned in the wrong order: (parameters, tokens), "
            "{ratio} tokens for each parameter",
            {"_how": "upside down"},
        ),
        "ratio_ignored": ("`ratio` is not used: it is always 20", {"_given": False}),
    },
    of="at_ratio",
)


def best(c, *, a, b, amount_a, amount_b, _how="right"):
    """The right answer, with a switch per mistake."""
    budget = c if _how == "no six" else c / 6
    power = a if _how == "power a" else 0.5 * (a + b) if _how == "half" else b
    front = {
        "no amounts": a / b,
        "no exponents": amount_a / amount_b,
        "upside down": b * amount_b / (a * amount_a),
        "nothing": 1.0,
        "exponents exchanged": b * amount_a / (a * amount_b),
    }.get(_how, a * amount_a / (b * amount_b))
    n = (front * budget**power) ** (1 / (a + b))
    if _how == "no root":
        n = front * budget ** (power / (a + b))
    if _how == "ratio 20":
        n = math.sqrt(c / 120)
    if _how == "exchanged":
        return budget / n, n
    if _how == "no budget":
        return n, budget ** (a / (a + b))
    return n, budget / n


BEST = switches(
    best,
    {
        "six_left_out": ("the budget is used without the 6: n · d = c / 6", {"_how": "no six"}),
        "exponent_of_the_other": (
            "n grows with (c/6)^(a/(a+b)): it is b/(a+b), for the slower the loss falls with tokens, the fewer of them are "
            "worth it",
            {"_how": "power a"},
        ),
        "half_and_half": (
            "n grows with the root of c whatever the exponents: it is (c/6)^(b/(a+b))",
            {"_how": "half"},
        ),
        "terms_equal": (
            "the two terms are made equal, A/n^a = B/d^b: the least loss is where their slopes are, a A/n^a = b B/d^b",
            {"_how": "no exponents"},
        ),
        "amounts_left_out": ("A and B are left out: the slopes are a A/n^a and b B/d^b", {"_how": "no amounts"}),
        "factor_left_out": ("the factor (a A / b B)^(1/(a+b)) is left out", {"_how": "nothing"}),
        "factor_upside_down": ("the factor is upside down: it is a A / (b B) for n", {"_how": "upside down"}),
        "exponents_exchanged_in_the_factor": (
            "a and b are exchanged in the factor: the slopes are a A/n^a and b B/d^b",
            {"_how": "exponents exchanged"},
        ),
        "root_of_the_factor": (
            "the factor a A / (b B) is not raised to 1/(a+b)",
            {"_how": "no root"},
        ),
        "always_20": (
            "there are 20 tokens for each parameter: that is what comes out for the paper's constants, here for others",
            {"_how": "ratio 20"},
        ),
        "tokens_first": ("tokens come first: (parameters, tokens)", {"_how": "exchanged"}),
        "does_not_fit_the_budget": (
            "the tokens miss the factor: d is c / (6 n), so that the budget is spent exactly",
            {"_how": "no budget"},
        ),
    },
    of="best",
)


def days(n, d, *, devices, peak, used, _per=6, _used="times", _seconds=86400.0, _devices="times"):
    """The right answer, with a switch per mistake."""
    power = peak * {"times": used, "none": 1.0, "rest": 1 - used, "over": 1 / used}[_used]
    power = power * devices if _devices == "times" else power / devices if _devices == "over" else power
    return _per * n * d / power / _seconds


DAYS = switches(
    days,
    {
        "two_flops": ("2 FLOPs for each parameter and token are the forward pass alone: 6", {"_per": 2}),
        "peak_reached": ("`used` is not used: the devices reach {used} of their peak", {"_used": "none"}),
        "rest_used": ("the share that is not used is taken, 1 - {used}", {"_used": "rest"}),
        "used_divides": ("the power is divided by `used`: it is multiplied by it", {"_used": "over"}),
        "hours": ("these are hours: days are asked for", {"_seconds": 3600.0}),
        "seconds": ("these are seconds: days are asked for", {"_seconds": 1.0}),
        "one_device": ("`devices` is not used: there are {devices}", {"_devices": "none"}),
        "devices_divide": ("the more devices, the longer it takes: they multiply the power", {"_devices": "over"}),
    },
    of="days",
)

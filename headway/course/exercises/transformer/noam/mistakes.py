"""Wrong answers to the schedule of 2017 that people really give."""

import math

from headway.learn.cases import switches


def attention_is_all_you_need(step, *, width, warmup, _how="right", _width="root", _step=0):
    """The right answer, with a switch per mistake."""
    t, w = step + _step, warmup
    if t <= 0:
        return 0.0
    body = {
        "right": lambda: min(t**-0.5, t * w**-1.5),
        "max": lambda: max(t**-0.5, t * w**-1.5),
        "half": lambda: min(t**-0.5, t * w**-0.5),
        "sum": lambda: t**-0.5 + t * w**-1.5,
        "no warmup": lambda: t**-0.5,
        "only warmup": lambda: min(1.0, t / w) * w**-0.5,
        "factor": lambda: min(t / w, math.sqrt(w / t)),
        "no root": lambda: min(1 / t, t * w**-2),
        "plus": lambda: min(t**0.5, t * w**-1.5),
        "from warmup": lambda: t * w**-1.5 if t <= w else (t - w) ** -0.5,
        "two thirds": lambda: min(t**-0.5, t * w ** -(2 / 3)),
        "square": lambda: min(t**-0.5, t**2 * w**-2.5),
    }[_how]()
    return (
        body
        * {"root": width**-0.5, "none": 1.0, "times": width**0.5, "inverse": 1 / width, "twice": 2 * width**-0.5}[
            _width
        ]
    )


RATE = switches(
    attention_is_all_you_need,
    {
        "greater_of_the_two": ("the greater of the two is taken (max): it is min", {"_how": "max"}),
        "added": ("the two are added: it is the lesser of them (min)", {"_how": "sum"}),
        "warmup_to_minus_half": (
            "the line is step · warmup^-0.5: it has to be warmup^-1.5, so that the two meet at step {warmup}",
            {"_how": "half"},
        ),
        "warmup_to_minus_two_thirds": (
            "-1.5 has become -2/3: the line is step · warmup^(-3/2)",
            {"_how": "two thirds"},
        ),
        "quadratic_warmup": ("the warm-up is a parabola: it is a straight line", {"_how": "square"}),
        "no_warmup": ("there is no warm-up: it is d^-0.5 · step^-0.5 from the first step on", {"_how": "no warmup"}),
        "does_not_fall": (
            "after the warm-up the learning rate stays: it has to fall with step^-0.5",
            {"_how": "only warmup"},
        ),
        "peak_1": (
            "the peak is d^-0.5: as in equation 3 it is (d · warmup)^-0.5 = {(width*warmup)**-0.5}",
            {"_how": "factor"},
        ),
        "no_root_of_the_step": ("the learning rate falls with 1/step: it has to be step^-0.5", {"_how": "no root"}),
        "plus_half": ("the step has the exponent 0.5: it is -0.5", {"_how": "plus"}),
        "root_from_the_warmup": (
            "after the warm-up the root is of the steps since its end: it is of step itself",
            {"_how": "from warmup"},
        ),
        "width_forgotten": ("the factor d^-0.5 is missing", {"_width": "none"}),
        "width_to_plus_half": (
            "the width has the exponent 0.5: a wider model has the smaller learning rate",
            {"_width": "times"},
        ),
        "width_without_root": ("the factor is 1/d: it has to be d^-0.5", {"_width": "inverse"}),
        "twice": (
            "it is twice as much: equation 3 has no factor (others' code often has one of 2)",
            {"_width": "twice"},
        ),
        "counted_from_0": (
            "1 is subtracted from the step, as if it were counted from 0 further on: it is counted from 1, as it is given",
            {"_step": -1},
        ),
        "counted_on": (
            "1 is added to the step, as a scheduler that counts from 0 needs it: here it is counted from 1",
            {"_step": 1},
        ),
    },
    of="attention_is_all_you_need",
)


def warmup_for(peak, *, width, _how="right"):
    """The right answer, with a switch per mistake."""
    return {
        "right": lambda: 1 / (width * peak**2),
        "no square": lambda: 1 / (width * peak),
        "no width": lambda: 1 / peak**2,
        "width squared": lambda: 1 / (width * peak) ** 2,
        "root": lambda: 1 / math.sqrt(width * peak),
        "inverse": lambda: width * peak**2,
        "times": lambda: width / peak**2,
        "rounded": lambda: round(1 / (width * peak**2)),
    }[_how]()


WARMUP = switches(
    warmup_for,
    {
        "peak_not_squared": (
            "peak = (d · warmup)^-0.5 has been turned round without the square: warmup = 1 / (d · peak²)",
            {"_how": "no square"},
        ),
        "width_left_out": ("the width is missing: warmup = 1 / (d · peak²)", {"_how": "no width"}),
        "width_squared": ("the width is squared too: warmup = 1 / (d · peak²)", {"_how": "width squared"}),
        "upside_down": ("it is upside down: warmup = 1 / (d · peak²)", {"_how": "inverse"}),
        "width_above": ("the width is above the line: the wider the model, the shorter the warm-up", {"_how": "times"}),
        "rounded": ("the number is rounded: it is asked for as it is", {"_how": "rounded"}),
    },
    of="warmup_for",
)

"""Wrong answers to the schedules that people really give."""

import math

from headway.learn.cases import switches


def cosine(
    step, *, steps, warmup, floor=0.0,
    _from=0, _warm="line", _done="rest", _wave="half", _floor="between", _beyond="stays", _guard=True, _joined=False, _off=0,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    if step <= warmup and _warm != "none":
        if _from:
            return (step - 1) / warmup
        if _warm == "root":
            return math.sqrt(step / warmup)
        if _warm == "plus one":
            return step / (warmup + 1)
        if _warm == "from the floor":
            return floor + (1 - floor) * step / warmup
        if not _joined:
            return step / warmup
    rest = steps - warmup if not _guard else max(1, steps - warmup)
    done = {
        "rest": (step - warmup) / rest,
        "all": step / steps,
        "rest over all": (step - warmup) / steps,
        "step over rest": step / rest,
        "from 0": (step - 1 - warmup) / rest,
    }[_done]
    if _beyond == "stays" or (_beyond == "to zero" and done <= 1):
        done = min(1.0, done)
    elif _beyond == "to zero":
        return 0.0
    if _done == "step over rest":
        done = min(1.0, done)
    turn = {"half": math.pi, "quarter": math.pi / 2, "whole": 2 * math.pi, "degrees": 180}[_wave]
    curve = math.cos(turn * done) if _wave == "quarter" else 0.5 * (1 + math.cos(turn * done))
    if _wave == "line":
        curve = 1 - done
    if _joined:
        curve *= min(1.0, step / warmup) if warmup else 1.0
    return {
        "between": floor + (1 - floor) * curve,
        "added": floor + curve,
        "max": max(floor, curve),
        "none": curve,
        "halved": floor + 0.5 * (1 - floor) * (1 + curve),
    }[_floor]


COSINE = switches(
    cosine,
    {
        "warmup_from_zero": (
            "the warm-up begins at 0, (step - 1) / warmup: with steps counted from 1, the first is 1/{warmup}, and step {warmup} "
            "reaches 1",
            {"_from": 1},
        ),
        "warmup_one_too_long": (
            "the warm-up is step / (warmup + 1): steps are counted from 1 here, and step {warmup} has to reach 1",
            {"_warm": "plus one"},
        ),
        "no_warmup": ("there is no warm-up: up to step {warmup} the factor is step / {warmup}", {"_warm": "none"}),
        "warmup_from_the_floor": (
            "the warm-up begins at the floor: it is a line from 0 to 1, step / {warmup}",
            {"_warm": "from the floor"},
        ),
        "warmup_not_taken_off": (
            "the cosine runs over step / steps: where the warm-up ends it has to be at its top, so (step - warmup) / "
            "(steps - warmup)",
            {"_done": "all"},
        ),
        "divided_by_all_steps": (
            "the cosine runs over (step - warmup) / steps: it does not reach its end at the last step. It has steps - warmup "
            "= {steps - warmup} steps",
            {"_done": "rest over all"},
        ),
        "steps_not_from_the_end_of_the_warmup": (
            "the cosine runs over step / (steps - warmup): the warm-up has to be taken off the step as well",
            {"_done": "step over rest"},
        ),
        "one_step_late": (
            "the cosine is one step late, (step - 1 - warmup): at the last step it has to have arrived",
            {"_done": "from 0"},
        ),
        "quarter_wave": (
            "this is a quarter of a wave, cos(π/2 · done): half a wave, raised and halved, (1 + cos(π · done)) / 2, also ends "
            "flat",
            {"_wave": "quarter"},
        ),
        "whole_wave": (
            "this is a whole wave, cos(2π · done): in the middle it is at its lowest and at the end up again",
            {"_wave": "whole"},
        ),
        "degrees": ("the angle is in degrees: math.cos takes radians, π · done", {"_wave": "degrees"}),
        "rises_again": (
            "beyond the last step the cosine goes up again: `done` has to stay at 1",
            {"_beyond": "on"},
        ),
        "zero_beyond": (
            "beyond the last step the factor is 0: it stays at the floor",
            {"_beyond": "to zero"},
        ),
        "floor_added": (
            "the floor is added to the cosine, which then begins at 1 + floor: floor + (1 - floor) · curve runs from 1 to floor",
            {"_floor": "added"},
        ),
        "floor_as_a_bound": (
            "the floor cuts the cosine off (max): the whole curve has to be squeezed between 1 and the floor",
            {"_floor": "max"},
        ),
        "floor_ignored": ("`floor` is not used: the cosine ends at 0", {"_floor": "none"}),
        "times_the_warmup": (
            "the cosine has begun at step 0 and the warm-up multiplies it: the cosine is to begin where the warm-up ends",
            {"_joined": True, "_done": "all"},
        ),
    },
    of="cosine",
)


def inverse_sqrt(step, *, warmup, _how="right"):
    """The right answer, with a switch per mistake."""
    w = max(warmup, 1)
    if _how == "zero raises":
        return min(step / warmup, math.sqrt(warmup / step))
    if _how == "zero is zero":
        return min(step / w, math.sqrt(warmup / step))
    return {
        "right": lambda: min(step / w, math.sqrt(w / step)),
        "unscaled": lambda: min(step**-0.5, step * w**-1.5),
        "root only": lambda: step / w if step < w else step**-0.5,
        "after the warm-up": lambda: step / w if step <= w else (step - w) ** -0.5,
        "from the warm-up": lambda: step / w if step <= w else (step - w + 1) ** -0.5,
        "no root": lambda: min(step / w, w / step),
        "max": lambda: max(step / w, math.sqrt(w / step)),
        "no warmup": lambda: math.sqrt(w / step),
        "flat": lambda: min(1.0, math.sqrt(w / step)),
        "from zero": lambda: (step - 1) / w if step <= w else math.sqrt(w / step),
        "only warmup": lambda: min(1.0, step / w),
    }[_how]()


ROOT = switches(
    inverse_sqrt,
    {
        "peak_not_1": (
            "this is equation 3 itself without the width: its peak, at step {warmup}, is {warmup}^-0.5; here it is to be 1",
            {"_how": "unscaled"},
        ),
        "jumps_at_the_peak": (
            "after the warm-up the factor is step^-0.5, a jump down from 1: it has to be sqrt({warmup} / step)",
            {"_how": "root only"},
        ),
        "counted_from_the_warmup": (
            "after the warm-up the root is taken of the steps since its end: it has to be of step, sqrt({warmup} / step)",
            {"_how": "from the warm-up"},
        ),
        "no_root": ("the factor falls with warmup / step: it has to be its square root", {"_how": "no root"}),
        "greater_of_the_two": (
            "the greater of line and root is taken (max): it is the lesser that has its peak where they meet",
            {"_how": "max"},
        ),
        "no_warmup_line": (
            "there is no warm-up: within the first {warmup} steps sqrt(warmup / step) is above 1",
            {"_how": "no warmup"},
        ),
        "flat_start": (
            "the factor is 1 from the first step on: within the first {warmup} steps it has to rise, step / {warmup}",
            {"_how": "flat"},
        ),
        "root_warmup_from_zero": (
            "the warm-up begins at 0, (step - 1) / warmup: with steps counted from 1, the first is 1/{warmup}",
            {"_how": "from zero"},
        ),
        "does_not_fall": ("after the warm-up the factor stays at 1: it has to fall", {"_how": "only warmup"}),
        "division_by_zero": (
            "warmup = 0 is divided by: it has to mean the same as 1",
            {"_how": "zero raises"},
        ),
        "zero_without_warmup": (
            "with warmup = 0 the factor is 0 for ever, sqrt(0 / step): it has to mean the same as 1",
            {"_how": "zero is zero"},
        ),
    },
    of="inverse_sqrt",
)

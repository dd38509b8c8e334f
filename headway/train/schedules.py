"""Learning-rate schedules: what the peak learning rate is multiplied by, at a step counted from 1.

Pure functions of the step. Nothing has to be saved or restored: a run that goes on asks for the step it is at.
"""

from __future__ import annotations

import math


def warm_up(step: int, warmup: int) -> float:
    """Straight up to 1 at step `warmup`; 1 from then on, and from the start where there is no warm-up."""
    return min(1.0, step / warmup) if warmup > 0 else 1.0


def attention_is_all_you_need(step: int, *, width: int, warmup: int) -> float:
    """The learning rate itself, not a factor: width^-0.5 · min(step^-0.5, step · warmup^-1.5).

    Vaswani et al., 2017 (1706.03762), section 5.3, equation 3.
    """
    if warmup < 1:
        raise ValueError("equation 3 needs a warm-up of at least one step")
    return width**-0.5 * min(step**-0.5, step * warmup**-1.5)


def inverse_sqrt(step: int, *, warmup: int) -> float:
    """Equation 3 of 1706.03762 with its peak, reached at `warmup`, set to 1."""
    warmup = max(warmup, 1)
    return min(step / warmup, math.sqrt(warmup / step))


def cosine(step: int, *, steps: int, warmup: int, floor: float = 0.0) -> float:
    """Warm-up, then half a wave of a cosine down to `floor` at the last step.

    Loshchilov & Hutter, *SGDR*, 2016 (1608.03983), equation 5, without restarts.
    """
    if step <= warmup:
        return warm_up(step, warmup)
    done = min(1.0, (step - warmup) / max(1, steps - warmup))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


def linear(step: int, *, steps: int, warmup: int, floor: float = 0.0) -> float:
    """Warm-up, then a straight line down to `floor` at the last step."""
    return warm_up_stable_decay(step, steps=steps, warmup=warmup, decay=steps - warmup, floor=floor)


def warm_up_stable_decay(step: int, *, steps: int, warmup: int, decay: int, floor: float = 0.0) -> float:
    """Warm-up, a plateau, then a straight line down to `floor` over the last `decay` steps.

    Hu et al., *MiniCPM*, 2024 (2404.06395), section 4; the line is Hägele et al., 2024 (2405.18392), section 3. The plateau
    can be prolonged without having known the length of the run beforehand.
    """
    if step <= warmup:
        return warm_up(step, warmup)
    left = max(0, steps - step)
    return floor + (1 - floor) * min(1.0, left / decay) if decay > 0 else 1.0


def constant(step: int, *, warmup: int) -> float:
    """Warm-up, then 1."""
    return warm_up(step, warmup)

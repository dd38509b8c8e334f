"""Learning-rate schedules: warm-up, cosine, inverse square root.

    warm-up          step / warmup                                       up to 1 at step `warmup`
    cosine           floor + (1 - floor) · (1 + cos(π · done)) / 2       Loshchilov & Hutter 2016, arXiv 1608.03983, eq. 5
    inverse sqrt     sqrt(warmup / step)                                 Vaswani et al. 2017, arXiv 1706.03762, eq. 3, peak 1

A schedule says what the peak learning rate is multiplied by at a step. Steps are counted from 1: the first step of a warm-up of
10 has the factor 0.1 (not 0, it would be wasted), and the 10th has 1. `done` is the share of what comes after the warm-up: 0 at
step `warmup`, 1 at the last step, so that the curve has no jump.

A schedule is a function of the step and of nothing else: a run that was interrupted asks it for the step it is at. The steps of
a run sometimes go on beyond `steps`; the factor then stays at `floor`.

    headway check schedule      headway hint schedule      headway watch
"""


def cosine(step, *, steps, warmup, floor=0.0):
    """A straight line up to 1, then half a wave of a cosine down to `floor` at the last step.

    Args:
        step: from 1 on; may lie beyond `steps`.
        steps: the number of steps of the run, at least `warmup`.
        warmup: the step at which the factor is 1; 0 for none: the cosine then begins at step 0, which nobody asks for.
        floor: the factor at the last step and after it.

    Returns:
        a number.
    """
    raise NotImplementedError


def inverse_sqrt(step, *, warmup):
    """A straight line up to 1, then down with one over the root of the step, for ever.

    Args:
        step: from 1 on.
        warmup: the step at which the factor is 1; 0 means the same as 1.

    Returns:
        a number.
    """
    raise NotImplementedError

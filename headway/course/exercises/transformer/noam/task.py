"""The learning rate of "Attention Is All You Need".

    lr(step) = d^-0.5 · min(step^-0.5, step · warmup^-1.5)          Vaswani et al. 2017, arXiv 1706.03762, equation 3

A straight line up for `warmup` steps and one over the root of the step from there on, the two meeting at the peak: and the wider
the model, the lower all of it. (In frameworks it is called the Noam schedule, after one of the authors.) It is the learning rate
itself, not a factor: the optimiser's own lr has to be 1 if a scheduler multiplies it, and the scheduler has to count from 1.

The paper says warmup = 4000 and leaves the peak to follow. `warmup_for` turns it round: which warm-up gives this peak?

    headway check noam      headway hint noam      headway watch
"""


def attention_is_all_you_need(step, *, width, warmup):
    """The learning rate at a step.

    Args:
        step: counted from 1.
        width: d, the model's.
        warmup: at which step the peak is, at least 1.

    Returns:
        a number.
    """
    raise NotImplementedError


def warmup_for(peak, *, width):
    """The warm-up after which the learning rate is `peak`, the greatest there is.

    Args:
        peak: a learning rate.
        width: d.

    Returns:
        a number, not rounded.
    """
    raise NotImplementedError

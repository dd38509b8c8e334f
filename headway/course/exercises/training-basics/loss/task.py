"""Cross-entropy that does not overflow.

    loss = mean over the targets that count of  -log p(target),     p = softmax(logits)
    log p(c) = logit(c) - log Σ exp(logits)                         Goodfellow et al. 2016, Deep Learning, section 6.2.2.3

How surprised the model is by what really came next, in nats: log v for one that knows nothing about v words, 0 for one that is
sure and right. On paper that is a softmax and a logarithm. In floating point exp(800) is infinite and log(exp(-800)) is log 0,
and a training run that gets there is over; taken together, nothing can happen: with m the greatest logit, log Σ exp(logits) = m
+ log Σ exp(logits - m), where the greatest term is exp(0).

Targets equal to `ignore` (padding, a prompt) count neither in the sum nor in what it is divided by. The mean is over all the
targets that count, whichever row they stand in; if there are none, the loss is 0 (and not 0/0).

Shapes: logits (... v) with any number of axes in front, targets (...) int64. Half precision is widened to float32 first.

    headway check loss      headway hint loss      headway watch
"""


def cross_entropy(logits, targets, *, ignore=-100):
    """The mean of -log p(target).

    Args:
        logits: (... v).
        targets: (...) int64, each in [0, v) or equal to `ignore`.
        ignore: the target that does not count.

    Returns:
        a tensor without axes; float32 for logits in half precision, else in their dtype.
    """
    raise NotImplementedError

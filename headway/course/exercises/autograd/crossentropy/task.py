"""The backward of cross-entropy.

    loss = mean over the targets that count of  -Σ_c q_c log softmax(logits)_c          d logits = ?

with q the target: 1 on the class that is right and 0 elsewhere; with label smoothing ε (Szegedy et al. 2015, arXiv
1512.00567), ε/v on every class and 1 - ε more on the right one. Softmax and logarithm undo each other, and what is
left of two Jacobians is the shortest formula in deep learning: what the model believes minus what is true.

A target equal to `ignore` (padding) counts neither in the sum nor in the number it is divided by, and its logits get
no gradient. At least one target counts. Logits can be large.

Shapes: logits (... v), targets (...) int64. No autograd here: the formula is the exercise.

    headway check crossentropy      headway hint crossentropy      headway watch
"""


def cross_entropy_backward(logits, targets, *, ignore=-100, smoothing=0.0):
    """The gradient of the mean cross-entropy with respect to the logits.

    Args:
        logits: (... v).
        targets: (...) int64, each in [0, v) or equal to `ignore`.
        ignore: the target that counts for nothing.
        smoothing: ε, between 0 and 1.

    Returns:
        (... v)
    """
    raise NotImplementedError
